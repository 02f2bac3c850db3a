"""Low rank: H = D + G'G is stored as the m rows of G, without any n x n matrix.

D is the ridge, and F = D^-1/2 G', of shape (n, m), holds the scaled rows. The inverse needs only
one m x m matrix K (Woodbury identity)::

    C = D^-1/2 (I - F K^-1 F') D^-1/2            K = I + F'F

If the weights R are removed, K is updated and factorised anew. With L = C_SR chol(C_RR)^-T::

    K <- K - F_R' F_R                            diag(C) <- diag(C)_S - sum_r L_sr^2

A panel of removals takes m^3 / 3 + O(n m) operations, and removing all weights n^2 m. So this
structure suits few rows and many weights. Once no more than m weights remain, the inverse is stored
in full.

References
----------
Singh, S. P. and Alistarh, D. (2020). WoodFisher: efficient second-order approximation for neural
network compression. NeurIPS 33.
"""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, get_blas_funcs, get_lapack_funcs, solve_triangular

from sklearn_obs.curvature.gauss_newton import formed_rows
from sklearn_obs.curvature.inverse.full import REMOVED_SHARE, FullInverse
from sklearn_obs.curvature.kinds import FACTORED
from sklearn_obs.curvature.measurement import Measurement
from sklearn_obs.curvature.structure import Extent, Structure
from sklearn_obs.elimination import InverseHessian

WEIGHTS_AT_ONCE = 4096  # weights for which diag(C) is computed at once


class LowRankInverse(InverseHessian):
    """The inverse of D + G'G.

    Parameters
    ----------
    rows : ndarray of shape (n, m)
        G', with one row for each weight; m < n. It is overwritten with F.
    ridge : ndarray of shape (n,)
        The diagonal of D, positive.

    Attributes
    ----------
    size : int
        The number of weights n.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the ridge is not positive, or C_qq H_qq < 1/2 for some weight (it is at least 1 in exact
        arithmetic): more damping is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import LowRankInverse
    >>> C = LowRankInverse(np.array([[1.0], [2.0]]), np.array([1.0, 1.0]))
    >>> C.columns([0]).round(3)  # of H = [[2, 2], [2, 5]]
    array([[ 0.833],
           [-0.333]])
    """

    def __init__(self, rows: np.ndarray, ridge: np.ndarray):
        if not np.all(ridge > 0):
            raise LinAlgError("structure='low_rank' needs a positive damping")
        self._root = np.sqrt(ridge)
        F = rows
        F /= self._root[:, None]
        self._F = F  # (n, m), C-ordered; later with rows of removed weights
        self._rows = np.arange(len(F))
        # the lower triangle of I + F'F, by scipy's BLAS, which the other steps use, too
        (syrk,) = get_blas_funcs(("syrk",), (F,))
        self._K = syrk(1.0, F.T, lower=True)
        self._K[np.diag_indices_from(self._K)] += 1
        self._hessian_diagonal = ridge * (1 + np.einsum("ij,ij->i", F, F))
        self._factorise()
        self._diagonal = np.empty(len(F))
        for start in range(0, len(F), WEIGHTS_AT_ONCE):
            some = slice(start, start + WEIGHTS_AT_ONCE)
            V = solve_triangular(self._cholesky, F[some].T, lower=True, check_finite=False)
            self._diagonal[some] = (1 - np.einsum("ij,ij->j", V, V)) / ridge[some]
        self._check()

    def _factorise(self):
        self._cholesky = cholesky(self._K, lower=True, check_finite=False)

    def _check(self):
        vif = self._diagonal * self._hessian_diagonal
        if not np.all(vif >= 0.5):
            raise LinAlgError(
                f"the inverse Hessian is off by rounding (C_qq H_qq = {vif.min():.2g}, not >= 1)"
            )

    @property
    def size(self) -> int:
        return self._rows.size

    def diagonal(self) -> np.ndarray:
        return self._diagonal.copy()

    def columns(self, indices, rows=None) -> np.ndarray:
        Q = self._rows[np.asarray(indices, np.intp)]
        S = self._rows if rows is None else self._rows[np.asarray(rows, np.intp)]
        F = self._F
        (gemm,), (potrs,) = get_blas_funcs(("gemm",), (F,)), get_lapack_funcs(("potrs",), (F,))
        T, _ = potrs(self._cholesky, F[Q].T, lower=True)  # K^-1 F_Q'
        C = gemm(-1.0, (F if rows is None else F[S]).T, T, trans_a=True)
        if len(C) > S.size:  # rows of removed weights take less time than a copy of F[S]
            C = np.asfortranarray(C[S])
        C[S[:, None] == Q] += 1
        C /= self._root[S, None]
        C /= self._root[Q]
        return C

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "FullInverse | LowRankInverse":
        removed = np.asarray(removed, np.intp)
        if not removed.size:
            return self
        L = self._factor(removed) if factor is None else factor
        rest, gone = np.delete(np.arange(self.size), removed), self._rows[removed]
        F, left = self._F, self._rows[rest]
        if left.size <= self._K.shape[0]:
            return self._full(left)
        new = object.__new__(LowRankInverse)
        K = self._K if overwrite else self._K.copy(order="F")
        (syrk,) = get_blas_funcs(("syrk",), (F,))
        new._K = syrk(-1.0, F[gone].T, beta=1.0, c=K, lower=True, overwrite_c=True)
        new._root, new._hessian_diagonal = self._root, np.delete(self._hessian_diagonal, removed)
        if left.size < (1 - REMOVED_SHARE) * len(F):
            F, new._root, left = F[left], self._root[left], np.arange(left.size)
        new._F, new._rows = F, left
        new._diagonal = self._diagonal[rest] - np.einsum("ij,ij->i", L[rest], L[rest])
        new._factorise()
        new._check()
        return new

    def _factor(self, removed):
        C_R = self.columns(removed)
        root = cholesky(C_R[removed], lower=True)
        return solve_triangular(root, C_R.T, lower=True).T

    def _full(self, left):
        G = self._F[left] * self._root[left, None]
        H = G @ G.T
        H[np.diag_indices_from(H)] += self._root[left] ** 2
        return FullInverse(H, overwrite=True)


def low_rank(
    measurement: Measurement, keep: np.ndarray, ridge: np.ndarray
) -> FullInverse | LowRankInverse:
    """The inverse of G'G + diag(ridge), stored in full unless G has fewer rows than weights."""
    n, m = keep.size, measurement.n_samples * measurement.n_signals
    rows, filled = np.empty((n, m)), 0
    for G in formed_rows(measurement, keep, measurement.dtype):
        rows[:, filled : filled + G.shape[1]] = G
        filled += G.shape[1]
    if m < n:
        return LowRankInverse(rows, ridge)
    H = rows @ rows.T
    H[np.diag_indices_from(H)] += ridge
    return FullInverse(H, overwrite=True)


def _low_rank_bytes(extent: Extent) -> float:
    n, m = extent.n, extent.n_samples * extent.n_signals
    if m >= n:
        return 8 * (n * m + 1.15 * n**2) + extent.panel_bytes
    # F, and its copy when rows of removed weights are dropped; K and its factor; the arrays for the
    # diagonal of some weights at once
    return 8 * (1.9 * n * m + 3 * m**2 + 3 * min(n, WEIGHTS_AT_ONCE) * m) + extent.panel_bytes


LOW_RANK = Structure(low_rank, _low_rank_bytes, FACTORED)
