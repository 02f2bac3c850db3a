"""Kronecker factors (K-FAC): the H of a layer is the Kronecker product of two small matrices.

They are the second moments of the layer's inputs a and of its signals s, as if a and s were
independent. With the ridge D on the diagonal, and the weights of a layer as a matrix X, in which
removed weights are 0::

    H = A x B + D        A = sum_t v_t a a'        B = sum_t sum_k s s'        H x = A X B + D * X

Once weights are removed, the inverse has no closed form. So weights are selected greedily with one
block H_j for each unit; the blocks of a layer share A. The weight update uses the whole product: it
is solved by conjugate gradients over the remaining weights S. The preconditioner is the inverse of
the product, where M sets removed weights to 0::

    H_j = B_jj A + D_j
    H_SS d = H_SR w_R       w_S <- w_S + d       preconditioner X -> M(A_d^-1 X B_d^-1)

Here A_d and B_d are A and B, each damped by a part of D.

References
----------
Martens, J. and Grosse, R. (2015). Optimizing neural networks with Kronecker-factored approximate
curvature. ICML.
Wang, C., Grosse, R., Fidler, S. and Zhang, G. (2019). EigenDamage: structured pruning in the
Kronecker-factored eigenbasis. ICML.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg

from sklearn_obs.curvature.inverse.blocks import unit_name
from sklearn_obs.curvature.inverse.full import FullInverse
from sklearn_obs.curvature.kinds import FACTORED
from sklearn_obs.curvature.measurement import Measurement
from sklearn_obs.curvature.structure import Extent, Structure
from sklearn_obs.elimination import Block, BlockTask, InverseHessian
from sklearn_obs.elimination.blocks import held_bytes

COLUMN_RTOL = 1e-12  # relative residual: as accurate as a factorisation
UPDATE_RTOL = 1e-8  # a third fewer iterations; the model's loss is off by about its square


@dataclass(frozen=True)
class LayerProduct:
    """The Kronecker factors of a layer, and the positions of its weights."""

    A: np.ndarray  # (fan_in + 1, fan_in + 1)
    B: np.ndarray  # (fan_out, fan_out)
    index: np.ndarray  # (fan_in + 1, fan_out) positions of its weights, -1 where removed

    def among(self, position: np.ndarray) -> "LayerProduct":
        """The layer with new positions: `position` maps old to new ones, and ends with -1."""
        return LayerProduct(self.A, self.B, position[self.index])


class KroneckerInverse(InverseHessian):
    """The inverse of a block-diagonal matrix of masked Kronecker products and a ridge.

    Columns are computed by conjugate gradients and are exact to rounding. The diagonal takes one
    solution for each weight, so it is for small cases. Pruning uses `blocks` and `compensated`.

    Parameters
    ----------
    layers : list of LayerProduct
    ridge : ndarray of shape (n,)

    Attributes
    ----------
    size : int
        The number of weights n.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import KroneckerInverse, LayerProduct
    >>> A, B = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[3.0]])
    >>> C = KroneckerInverse([LayerProduct(A, B, np.array([[0], [1]]))], np.zeros(2))
    >>> C.columns([0]).round(3)  # of H = [[6, 3], [3, 6]]
    array([[ 0.222],
           [-0.111]])
    """

    def __init__(self, layers: list[LayerProduct], ridge: np.ndarray):
        self._layers, self._ridge = layers, ridge

    @property
    def size(self) -> int:
        return self._ridge.size

    def blocks(self) -> list[Block]:
        blocks = []
        for number, layer in enumerate(self._layers):
            for unit, column in enumerate(layer.index.T):
                (reads,) = np.nonzero(column >= 0)
                if reads.size:
                    index = column[reads]
                    arguments = (reads, layer.B[unit, unit], self._ridge[index])
                    task = BlockTask(unit_name(number, unit), _unit_inverse, arguments)
                    blocks.append(Block(index, task, layer.A))
        return blocks

    def compensated(self, weights: np.ndarray, removed: np.ndarray) -> np.ndarray:
        w, w_R = np.array(weights, np.float64), np.zeros(self.size)
        w_R[removed] = w[removed]
        w[removed] = 0
        rest = np.delete(np.arange(self.size), removed)
        if rest.size and w_R.any():
            w[rest] += self.without(removed)._solve(self._times(w_R)[rest], UPDATE_RTOL)
        return w

    def diagonal(self) -> np.ndarray:
        return self.columns(np.arange(self.size)).diagonal().copy()

    def columns(self, indices, rows=None) -> np.ndarray:
        C = np.empty((self.size, len(indices)), order="F")
        for column, q in zip(C.T, indices, strict=True):
            column[:] = self._solve(np.arange(self.size) == q, COLUMN_RTOL)
        return C if rows is None else C[rows]

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "KroneckerInverse":
        rest = np.delete(np.arange(self.size), removed)
        position = np.full(self.size + 1, -1)
        position[rest] = np.arange(rest.size)
        return KroneckerInverse(
            [layer.among(position) for layer in self._layers], self._ridge[rest]
        )

    def _times(self, x):
        """H x."""
        y = self._ridge * x
        for layer in self._layers:
            there = layer.index >= 0
            X = np.where(there, np.append(x, 0)[layer.index], 0)
            y[layer.index[there]] += (layer.A @ X @ layer.B)[there]
        return y

    def _solve(self, b, rtol):
        """H^-1 b."""
        shape = (self.size, self.size)
        H = LinearOperator(shape, self._times, dtype=np.float64)
        M = LinearOperator(shape, self._preconditioner(), dtype=np.float64)
        x, info = cg(H, b.astype(np.float64), rtol=rtol, atol=0, maxiter=10 * self.size, M=M)
        if info:
            raise LinAlgError("conjugate gradients did not converge")
        return x

    def _preconditioner(self):
        """The function b -> M(A_d^-1 X B_d^-1), with X the entries of b in each layer."""
        factors = []
        for layer in self._layers:
            there = layer.index >= 0
            if there.any():
                index = layer.index[there]
                factors.append(
                    (there, index, *_damped(layer.A, layer.B, self._ridge[index].mean()))
                )

        def precondition(b):
            y = np.empty(self.size)
            for there, index, A_d, B_d in factors:
                X = np.zeros(there.shape)
                X[there] = b[index]
                y[index] = cho_solve(B_d, cho_solve(A_d, X).T).T[there]
            return y

        return precondition


def _damped(A, B, ridge):
    """Cholesky factors of A + s_A I and B + s_B I, with s_A s_B = ridge.

    s_A / s_B is the ratio of the mean diagonals, as in Martens and Grosse (2015), section 6.3.
    """
    a, b = np.trace(A) / len(A), np.trace(B) / len(B)
    if not (a > 0 and b > 0):
        return cho_factor(np.eye(len(A)) * ridge), cho_factor(np.eye(len(B)))
    damping = np.sqrt(ridge) * np.sqrt(a / b), np.sqrt(ridge) * np.sqrt(b / a)
    return tuple(
        cho_factor(M + s * np.eye(len(M)), check_finite=False)  # not finite: LinAlgError
        for M, s in zip((A, B), damping, strict=True)
    )


def _unit_inverse(A, reads, b, ridge):
    H = b * A[np.ix_(reads, reads)]
    H[np.diag_indices_from(H)] += ridge
    return FullInverse(H, overwrite=True)


def kronecker(measurement: Measurement, keep: np.ndarray, ridge: np.ndarray) -> KroneckerInverse:
    """The inverse over the flat indices `keep`, from the Kronecker factors of each layer."""
    network = measurement.network
    A = [np.zeros((len(index),) * 2) for index in network.layout.index]
    B = [np.zeros((index.shape[1],) * 2) for index in network.layout.index]

    def products(rows, layers):
        root = np.sqrt(measurement.shares[rows], dtype=np.float64)[:, None]
        pairs = []
        for factors in layers:
            a = factors.inputs * root
            s = factors.signals.reshape(-1, factors.signals.shape[-1]).astype(np.float64)
            pairs.append((a.T @ a, s.T @ s))
        return pairs

    for pairs in measurement.over_batches(products):
        for layer, (aa, ss) in enumerate(pairs):
            A[layer] += aa
            B[layer] += ss
    position = network.layout.positions(keep)
    layers = [
        LayerProduct(A_l, B_l, position[index])
        for A_l, B_l, index in zip(A, B, network.layout.index, strict=True)
    ]
    return KroneckerInverse(layers, ridge)


def _kronecker_bytes(extent: Extent) -> float:
    sizes = np.sort(np.concatenate(extent.units))[::-1]
    factors = sum(p**2 + len(u) ** 2 for p, u in zip(extent.n_inputs, extent.units, strict=True))
    dense = sum(p * len(u) for p, u in zip(extent.n_inputs, extent.units, strict=True))
    working = sum(16 * p**2 for p in sizes[: extent.n_jobs])
    held = held_bytes(extent.units, extent.n_remove, extent.n_jobs)
    return 8 * (2 * factors + 10 * dense) + working + held


KRONECKER = Structure(kronecker, _kronecker_bytes, FACTORED)
