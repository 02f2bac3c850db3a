"""The full matrix: C = H^-1 held at once, and kept up to date by block elimination.

Without the weights R, the inverse of H restricted to the rest S is a Schur complement of C::

    (H_SS)^-1 = C_SS - C_SR C_RR^-1 C_RS = C_SS - L L'        L = C_SR chol(C_RR)^-T

One triangle is enough: it is updated by `syrk` where it lies, the dead rows with it, and the living
are moved together once a seventh of the rows is dead.
"""

import numpy as np
from scipy.linalg import (
    LinAlgError,
    cholesky,
    get_blas_funcs,
    get_lapack_funcs,
    solve_triangular,
)

DEAD_SHARE = 1 / 7  # compacting costs a copy, dead rows cost flops: 10 to 15 % is the flat minimum


class FullInverse:
    """The inverse of a symmetric positive definite matrix, by LAPACK, in its own precision.

    Parameters
    ----------
    hessian : ndarray of shape (n, n)
        H, damping included. Only its lower triangle is read.
    overwrite : bool, default=False
        Whether `hessian` may be destroyed, which saves an n x n copy.

    Attributes
    ----------
    size : int
        n.

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

    def __init__(self, hessian, *, overwrite=False):
        hessian = np.asarray(hessian)
        # the transpose of a C-ordered H = H' is H in Fortran's order, at no cost
        A = hessian.T if hessian.flags.c_contiguous else hessian
        self._hessian_diagonal = hessian.diagonal().copy()
        potrf, potri = get_lapack_funcs(("potrf", "potri"), (A,))
        A, info = potrf(A, lower=True, overwrite_a=overwrite, clean=False)
        if info:
            raise LinAlgError(f"the Hessian is not positive definite (leading minor {info})")
        A, _ = potri(A, lower=True, overwrite_c=True)
        self._storage = A  # the lower triangle of C and of rows that are dead already
        self._alive = np.arange(len(A))  # the rows of the storage that C is made of
        self._check()

    @property
    def size(self):
        return self._alive.size

    def diagonal(self):
        return self._storage[self._alive, self._alive]

    def columns(self, indices, rows=None):
        U = self._storage.T  # C-ordered, upper: row by row of it is how memory lies
        Q = self._alive[np.asarray(indices, np.intp)]
        if rows is not None:
            S = self._alive[np.asarray(rows, np.intp)][:, None]
            return U[np.minimum(S, Q), np.maximum(S, Q)]
        C = np.empty((Q.size, len(U)), U.dtype)
        for c, q in zip(C, Q, strict=True):
            c[:q], c[q:] = U[:q, q], U[q, q:]
        return (C if self.size == len(U) else C.take(self._alive, axis=1)).T

    def without(self, removed, *, factor=None, overwrite=False):
        removed = np.asarray(removed, np.intp)
        if not removed.size:
            return self
        L = self._factor(removed) if factor is None else factor
        rest = np.delete(np.arange(self.size), removed)
        L, rest = L[rest], self._alive[rest]
        A = self._storage
        if not overwrite or rest.size < (1 - DEAD_SHARE) * len(A):
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
        new._alive = rest
        new._hessian_diagonal = np.delete(self._hessian_diagonal, removed)
        new._check()
        return new

    def _factor(self, removed):
        C_R = self.columns(removed)
        root = cholesky(C_R[removed], lower=True)
        return solve_triangular(root, C_R.T, lower=True).T

    def vif(self):
        """C_qq H_qq, of shape (n,): how much the other weights blur what H says of q."""
        return self.diagonal() * self._hessian_diagonal

    def _check(self):
        vif = self.vif()  # at least 1 in exact arithmetic
        if not np.all(vif >= 0.5):
            raise LinAlgError(
                f"the inverse Hessian is off by rounding (C_qq H_qq = {vif.min():.2g}, not >= 1)"
            )


def _compacted(A, rest, overwrite):
    """The lower triangle of A[rest][:, rest], contiguous, in A's own memory if allowed."""
    n = rest.size
    memory = A.reshape(-1, order="F")[: n * n] if overwrite else np.empty(n * n, A.dtype)
    new = memory.reshape(n, n)
    for i, row in enumerate(rest):  # front to back: what is written has been read
        new[i, i:] = A.T[row].take(rest[i:])
    return new.T
