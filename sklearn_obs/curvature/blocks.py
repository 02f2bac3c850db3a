"""Block-diagonal curvature: H keeps its blocks, and each is inverted by itself.

One block per receiving unit j, its incoming weights and intercept, which share the signal of j::

    H_j = A diag(d_j) A'         d_j[t] = sum_k s[t, k, j]^2         A = the inputs still read

or one block per layer, the Gauss-Newton matrix of its weights alone. Blocks are built, inverted and
eliminated where they are needed, by workers: see `sklearn_obs.blockwise`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_obs.curvature.factors import factor_batches, signal_numbers, squared_signals
from sklearn_obs.curvature.full import FullInverse
from sklearn_obs.curvature.gauss_newton import gauss_newton


class BlockInverse:
    """The inverse of a block-diagonal matrix.

    Parameters
    ----------
    parts : sequence
        One value a block, with `index`, the ascending positions of its weights among all of them,
        and `inverse()`, their inverse Hessian. Together they cover 0, ..., n - 1 once.

    Attributes
    ----------
    size : int
        n.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import BlockInverse, FullInverse, Inverted
    >>> one, two = FullInverse(np.array([[4.0]])), FullInverse(np.diag([1.0, 2.0]))
    >>> C = BlockInverse([Inverted(np.array([1]), one), Inverted(np.array([0, 2]), two)])
    >>> C.diagonal()
    array([1.  , 0.25, 0.5 ])
    """

    def __init__(self, parts):
        self._parts = list(parts)
        self.size = sum(part.index.size for part in self._parts)

    def parts(self):
        """The blocks, to be eliminated apart."""
        return self._parts

    @cached_property
    def _inverses(self):
        return [part.inverse() for part in self._parts]

    def diagonal(self):
        diagonal = np.empty(self.size)
        for part, inverse in zip(self._parts, self._inverses, strict=True):
            diagonal[part.index] = inverse.diagonal()
        return diagonal

    def columns(self, indices, rows=None):
        columns = np.zeros((self.size, len(indices)))
        for part, inverse in zip(self._parts, self._inverses, strict=True):
            (mine,) = np.nonzero(np.isin(indices, part.index))
            local = np.searchsorted(part.index, np.asarray(indices)[mine])
            columns[np.ix_(part.index, mine)] = inverse.columns(local)
        return columns if rows is None else columns[rows]

    def without(self, removed, *, factor=None, overwrite=False):
        rest = np.delete(np.arange(self.size), removed)
        new = []
        for part, inverse in zip(self._parts, self._inverses, strict=True):
            (local,) = np.nonzero(np.isin(part.index, removed))
            index = np.searchsorted(rest, np.delete(part.index, local))
            new.append(Inverted(index, inverse.without(local, overwrite=overwrite)))
        return BlockInverse(new)


@dataclass(frozen=True)
class Inverted:
    """A block whose inverse is there."""

    index: np.ndarray
    inverted: object

    def inverse(self):
        return self.inverted


@dataclass(frozen=True)
class UnitBlock:
    """The block of one receiving unit."""

    index: np.ndarray  # (p,) positions of its weights
    inputs: np.ndarray  # (fan_in + 1, n) the layer's, shared by its units
    reads: np.ndarray  # (p,) the rows of `inputs` that belong to them
    d: np.ndarray  # (n,) sum_k s[t, k, j]^2
    ridge: np.ndarray  # (p,) penalty and damping

    def inverse(self):
        (heard,) = np.nonzero(self.d)  # a relu that is off in a row adds nothing
        A = self.inputs[self.reads].take(heard, axis=1)
        A *= np.sqrt(self.d[heard])
        H = A @ A.T  # numpy calls syrk here
        H[np.diag_indices_from(H)] += self.ridge
        return FullInverse(H, overwrite=True)


@dataclass(frozen=True)
class LayerBlock:
    """The block of one layer."""

    index: np.ndarray
    network: object
    X: object
    row_weight: np.ndarray
    flat: np.ndarray  # (p,) flat indices of its weights
    ridge: np.ndarray

    def inverse(self):
        H = gauss_newton(self.network, self.X, self.row_weight, self.flat)
        H[np.diag_indices_from(H)] += self.ridge
        return FullInverse(H, overwrite=True)


def unit_blocks(network, X, row_weight, keep, ridge):
    """One block per receiving unit."""
    inputs = [np.empty((i.shape[0], X.shape[0])) for i in network.index]
    d = [np.empty((i.shape[1], X.shape[0])) for i in network.index]
    for rows, layers in factor_batches(network, X, row_weight, signal_numbers(network)):
        for layer, factors in enumerate(layers):
            inputs[layer][:, rows] = factors.inputs.T
            d[layer][:, rows] = squared_signals(factors).T
    position = _positions(network, keep)
    parts = []
    for layer, flat in enumerate(network.index):
        for unit, index in enumerate(position[flat].T):
            (reads,) = np.nonzero(index >= 0)
            if reads.size:
                index = index[reads]
                parts.append(UnitBlock(index, inputs[layer], reads, d[layer][unit], ridge[index]))
    return BlockInverse(parts)


def layer_blocks(network, X, row_weight, keep, ridge):
    """One block per layer."""
    position = _positions(network, keep)
    parts = []
    for flat in network.index:
        index = np.sort(position[flat].ravel())
        index = index[index >= 0]
        if index.size:
            parts.append(LayerBlock(index, network, X, row_weight, keep[index], ridge[index]))
    return BlockInverse(parts)


def _positions(network, keep):
    """Flat index -> position in `keep`, -1 where it is not there."""
    position = np.full(network.n_parameters, -1)
    position[keep] = np.arange(keep.size)
    return position
