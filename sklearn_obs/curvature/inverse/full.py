"""The full matrix: C = H^-1 is stored as one matrix, and updated when weights are removed.

After removal of the weights R, the inverse of H restricted to the remaining weights S is a Schur
complement of C::

    (H_SS)^-1 = C_SS - C_SR C_RR^-1 C_RS = C_SS - L L'        L = C_SR chol(C_RR)^-T

Only one triangle of C is stored. `syrk` updates it in place, including the rows of removed weights.
Once these are more than a seventh of all rows, the remaining rows are moved together.

Sums of float32 factors are computed in float32 if that is accurate enough. This depends not on
cond(H) but on the variance inflation factors VIF_q = H_qq C_qq: if eps max VIF > 1e-2, the sum is
computed again in float64. The inversion is always in float64.

The exact Hessian may be indefinite away from a minimum. If H + ridge is not positive definite, the
eigenvalues of H are replaced by their absolute values::

    H = Q diag(lambda) Q'     ->     Q diag(|lambda|) Q' + ridge

The quadratic model has no minimum along a direction of negative curvature. This way, weights change
along such a direction as little as along one of equally strong positive curvature.

References
----------
Dauphin, Y. et al. (2014). Identifying and attacking the saddle point problem in high-dimensional
non-convex optimization. NeurIPS 27.
"""

import numpy as np
from scipy.linalg import (
    LinAlgError,
    cholesky,
    eigh,
    get_blas_funcs,
    get_lapack_funcs,
    solve_triangular,
)

from sklearn_obs.curvature.gauss_newton import gauss_newton, gauss_newton_bytes
from sklearn_obs.curvature.hessian import exact_hessian
from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.curvature.measurement import Measurement
from sklearn_obs.curvature.structure import Extent, Structure
from sklearn_obs.elimination import InverseHessian

# Compacting takes a copy, and rows of removed weights take flops: 10 to 15% is fastest
REMOVED_SHARE = 1 / 7
ROUNDING = 1e-2  # largest eps max VIF, which is the relative error of the saliencies


class FullInverse(InverseHessian):
    """The inverse of a symmetric positive definite matrix, computed by LAPACK in its precision.

    Parameters
    ----------
    hessian : ndarray of shape (n, n)
        H, damping included. Only its lower triangle is read.
    overwrite : bool, default=False
        Whether `hessian` may be destroyed, which saves an n x n copy.

    Attributes
    ----------
    size : int
        The number of weights n.

    Raises
    ------
    numpy.linalg.LinAlgError
        If H is not positive definite or C_qq H_qq < 1/2 for some weight (it is at least 1 in exact
        arithmetic): more damping is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import FullInverse
    >>> C = FullInverse(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> C.diagonal().round(3)
    array([0.667, 0.667])
    >>> C.without([1]).columns([0])  # of H = [[2]]
    array([[0.5]])
    """

    def __init__(self, hessian: np.ndarray, *, overwrite: bool = False):
        hessian = np.asarray(hessian)
        # H = H', so the transposed view of a C-ordered H is H in Fortran order, without a copy
        A = hessian.T if hessian.flags.c_contiguous else hessian
        self._hessian_diagonal = hessian.diagonal().copy()
        potrf, potri = get_lapack_funcs(("potrf", "potri"), (A,))
        A, info = potrf(A, lower=True, overwrite_a=overwrite, clean=False)
        if info:
            raise LinAlgError(f"the Hessian is not positive definite (leading minor {info})")
        A, _ = potri(A, lower=True, overwrite_c=True)
        self._storage = A  # lower triangle of C, later with rows of removed weights
        self._rows = np.arange(len(A))  # the rows of the storage that belong to C
        self._check()

    @property
    def size(self) -> int:
        return self._rows.size

    def diagonal(self) -> np.ndarray:
        return self._storage[self._rows, self._rows]

    def columns(self, indices, rows=None) -> np.ndarray:
        U = self._storage.T  # the upper triangle, C-ordered: its rows are contiguous
        Q = self._rows[np.asarray(indices, np.intp)]
        if rows is not None:
            S = self._rows[np.asarray(rows, np.intp)][:, None]
            return U[np.minimum(S, Q), np.maximum(S, Q)]
        C = np.empty((Q.size, len(U)), U.dtype)
        for c, q in zip(C, Q, strict=True):
            c[:q], c[q:] = U[:q, q], U[q, q:]
        return (C if self.size == len(U) else C.take(self._rows, axis=1)).T

    def minors(self, indices: np.ndarray) -> np.ndarray:
        B = self._rows[indices]
        one, other = B[:, :, None], B[:, None, :]
        return self._storage.T[np.minimum(one, other), np.maximum(one, other)]

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "FullInverse":
        removed = np.asarray(removed, np.intp)
        if not removed.size:
            return self
        L = self._factor(removed) if factor is None else factor
        rest = np.delete(np.arange(self.size), removed)
        L, rest = L[rest], self._rows[rest]
        A = self._storage
        if not overwrite or rest.size < (1 - REMOVED_SHARE) * len(A):
            A, rest = _compacted(A, rest, overwrite), np.arange(rest.size)
        if rest.size < len(A):
            L_A = np.zeros((len(A), removed.size), A.dtype, order="F")
            L_A[rest] = L
            L = L_A
        new = object.__new__(FullInverse)
        new._storage = A
        if rest.size:
            (syrk,) = get_blas_funcs(("syrk",), (A, L))
            new._storage = syrk(-1.0, L, beta=1.0, c=A, lower=True, overwrite_c=True)
        new._rows = rest
        new._hessian_diagonal = np.delete(self._hessian_diagonal, removed)
        new._check()
        return new

    def _factor(self, removed):
        C_R = self.columns(removed)
        root = cholesky(C_R[removed], lower=True)
        return solve_triangular(root, C_R.T, lower=True).T

    def vif(self) -> np.ndarray:
        """The variance inflation factors C_qq H_qq, of shape (n,).

        H_qq is the curvature along w_q if the other weights are fixed, and 1 / C_qq if they adjust.
        """
        return self.diagonal() * self._hessian_diagonal

    def _check(self):
        vif = self.vif()  # at least 1 in exact arithmetic
        if not np.all(vif >= 0.5):
            raise LinAlgError(
                f"the inverse Hessian is off by rounding (C_qq H_qq = {vif.min():.2g}, not >= 1)"
            )


def _compacted(A, rest, overwrite):
    """The lower triangle of A[rest][:, rest], contiguous, in A's own memory if `overwrite`."""
    n = rest.size
    memory = A.reshape(-1, order="F")[: n * n] if overwrite else np.empty(n * n, A.dtype)
    new = memory.reshape(n, n)
    for i, row in enumerate(rest):  # front to back, so each place is read before it is written
        new[i, i:] = A.T[row].take(rest[i:])
    return new.T


def full_inverse(measurement: Measurement, keep: np.ndarray, ridge: np.ndarray) -> FullInverse:
    """C = (H + diag(ridge))^-1 over the parameters with the flat indices `keep`, as one matrix."""
    if measurement.kind == "hessian":
        return _safe_inverse(exact_hessian(measurement, keep), ridge)
    return inverse_of(
        lambda dtype: gauss_newton(measurement, keep, dtype), ridge, measurement.dtype
    )


def inverse_of(matrix, ridge, dtype):
    """The inverse of matrix(dtype) + diag(ridge).

    If the rounding of `dtype` is too large, matrix(float64) is used instead.
    """
    if dtype != np.float64:
        try:
            C = _inverse(matrix(dtype), ridge)
        except LinAlgError:
            pass
        else:
            if np.finfo(dtype).eps * C.vif().max(initial=1) <= ROUNDING:
                return C
    return _inverse(matrix(np.float64), ridge)


def _inverse(H, ridge):
    H = H.astype(np.float64, copy=False)
    H[np.diag_indices_from(H)] += ridge
    return FullInverse(H, overwrite=True)


def _safe_inverse(H, ridge):
    try:
        return _inverse(H.copy(), ridge)
    except LinAlgError:
        eigenvalues, Q = eigh(H, overwrite_a=True, check_finite=False)
        size = np.abs(eigenvalues)
        size = np.maximum(size, np.finfo(float).eps * size.size * size.max())  # at least rounding
        return _inverse((Q * size) @ Q.T, ridge)


def full_bytes(extent: Extent) -> float:
    """Estimated bytes that `full_inverse` and the elimination take."""
    if extent.kind == "hessian":
        return 5 * 8 * extent.n**2  # H, its copy, eigenvectors, LAPACK's workspace
    matrix = gauss_newton_bytes(extent.units, extent.n_inputs, extent.n_signals, extent.itemsize)
    return max(matrix, 1.15 * 8 * extent.n**2 + extent.panel_bytes)


FULL = Structure(full_inverse, full_bytes, tuple(KINDS), lambda extent: extent.n / extent.n_signals)
