"""Optimal Brain Surgeon: which weights to remove, in which order, and how to adjust the others.

With C = H^-1, the inverse Hessian of the loss over the remaining weights, the removal of weight q
raises the quadratic model of the loss by its saliency L_q, and the others change by delta w, the
weight update that compensates for it::

    L_q = w_q^2 / (2 C_qq)        delta w = -(w_q / C_qq) C e_q        C <- C - C e_q e_q' C / C_qq

With l = C e_q / sqrt(C_qq) and z = w_q / sqrt(C_qq) this is one step of a Cholesky factorisation of
C whose pivot is the weight of lowest saliency::

    L_q = z^2 / 2                 w <- w - z l                         C <- C - l l'

So removals are computed as LAPACK computes a Cholesky factorisation: in panels, with one triangular
update of C at the end of each panel.

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve, get_blas_funcs

from sklearn_obs.elimination.grid import Grid, among, errors
from sklearn_obs.elimination.inverse_hessian import InverseHessian

# weights removed between two updates of C: syrk is slow for fewer, more do not fit in cache
PANEL = 64
CANDIDATES = 4 * PANEL  # the weights of lowest saliency, among which a panel is chosen


@dataclass(frozen=True)
class Elimination:
    """The result of `eliminate`, with one entry for each removed weight."""

    order: np.ndarray  # (n_remove,) indices into `weights`, first removed first
    saliency: np.ndarray  # (n_remove,) predicted increase of the loss by each removal
    weights: np.ndarray  # (n,) the updated weights, exactly 0 (or on the grid) where removed
    earlier: tuple["Elimination", ...] = ()  # the result after each of `stops`

    def until(self, n_removed: int, weights: np.ndarray) -> "Elimination":
        """The result after the first `n_removed` removals, when the weights were `weights`."""
        return Elimination(self.order[:n_removed], self.saliency[:n_removed], weights)


def eliminate(
    weights: np.ndarray,
    inverse_hessian: InverseHessian,
    n_remove: int,
    *,
    eligible: np.ndarray | None = None,
    freed: Callable[[int], ArrayLike] | None = None,
    overwrite: bool = False,
    stops: Sequence[int] = (),
    grid: Grid | None = None,
) -> Elimination:
    """Remove weights one at a time, lowest saliency first, and adjust the others each time.

    Ties are resolved to the lowest index.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        The weights at (or near) a minimum of the loss.
    inverse_hessian : InverseHessian
        C = H^-1 over these weights.
    n_remove : int
        How many weights to remove.
    eligible : ndarray of shape (n,), bool, default=None
        The weights that may be removed; the others are adjusted but stay. All by default.
    freed : callable, default=None
        Called with the index of each removed weight; returns the indices of the weights that no
        longer affect the output because of it. They are set to 0, so that they are removed next
        and no other weight has to compensate for them.
    overwrite : bool, default=False
        Whether `inverse_hessian` may be destroyed, which saves a copy.
    stops : sequence of int, default=()
        Ascending numbers of removals, between 1 and `n_remove` - 1. `earlier` holds the result as
        it was after each of them.
    grid : Grid, default=None
        If given, a "removed" weight is set to the nearest value of its grid in place of 0.

    Returns
    -------
    Elimination
        The order, the saliencies (in units of the loss) and the updated weights.

    Raises
    ------
    ValueError
        If there are fewer eligible weights than `n_remove`, or shapes do not match.
    numpy.linalg.LinAlgError
        If C loses positive definiteness on the way.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import FullInverse
    >>> from sklearn_obs.elimination import eliminate
    >>> H = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> path = eliminate(np.array([1.0, -3.0]), FullInverse(H), 1)
    >>> path.order, path.saliency.round(3), path.weights.round(3)
    (array([0]), array([0.75]), array([ 0. , -2.5]))
    """
    C, d = inverse_hessian, inverse_hessian.diagonal()
    w = np.array(weights, dtype=d.dtype)
    removable = np.ones(w.shape, bool) if eligible is None else np.array(eligible, bool)
    if w.shape != d.shape or removable.shape != d.shape:
        raise ValueError(
            f"Got weights of shape {w.shape} and eligible of shape {removable.shape}, but expected "
            f"{d.shape}, the size of the inverse Hessian."
        )
    if not 0 <= n_remove <= np.count_nonzero(removable):
        raise ValueError(
            f"Got n_remove={n_remove}, but expected 0 <= n_remove <= "
            f"{np.count_nonzero(removable)}, the number of eligible weights."
        )
    left = np.arange(w.size)  # indices into `weights` of the entries of C, d and w
    updated = np.zeros_like(w)
    order = np.empty(n_remove, np.intp)
    saliency = np.empty(n_remove, w.dtype)
    n_done, seen = 0, list[np.ndarray]()
    while n_done < n_remove:
        Q, z, L, c = _panel(w, d, C, removable, min(PANEL, n_remove - n_done), among(grid, left))
        orphans = np.empty(0, np.intp)
        if freed is not None:
            for j, q in enumerate(Q, start=1):
                orphans = _places(left, freed(int(left[q])))
                if orphans.size:
                    Q, z, L, c = Q[:j], z[:j], L[:, :j], c[:j]
                    break
        for k in (stop - n_done for stop in stops[len(seen) :]):
            if k > Q.size:
                break
            then = updated.copy()
            then[left] = w - _times(L[:, :k], z[:k])
            then[left[Q[:k]]] = c[:k]
            if k == Q.size:
                then[left[orphans]] = 0
            seen.append(then)
        w -= _times(L, z)
        w[orphans] = 0
        order[n_done : n_done + Q.size] = left[Q]
        saliency[n_done : n_done + Q.size] = z**2 / 2
        n_done += Q.size
        updated[left[Q]] = c
        rest = np.delete(np.arange(w.size), Q)
        w, left, removable = w[rest], left[rest], removable[rest]
        if n_done < n_remove:
            C = C.without(Q, factor=L, overwrite=overwrite)
            overwrite = True  # from here on C belongs to this loop
            d = C.diagonal()
    updated[left] = w
    path = Elimination(order, saliency, updated)
    earlier = tuple(path.until(*stop) for stop in zip(stops, seen, strict=True))
    return replace(path, earlier=earlier)


def _places(left, indices):
    """The positions in `left` of those `indices` that are in it."""
    return np.flatnonzero(np.isin(left, indices))


def _times(L, z):
    """L z by scipy's BLAS, as all else here: numpy's has threads of its own, which would wait."""
    (gemv,) = get_blas_funcs(("gemv",), (L,))
    return gemv(1.0, L, z)


def _panel(w, d, C, removable, n_pick, grid):
    """The next removals, at most `n_pick`: positions Q, z, L = C_:Q chol(C_QQ)^-T and constants c.

    They are chosen among the weights of lowest saliency, whose part of C fits in cache. Then the
    others are updated at once, and the panel is cut where one of them should have been removed
    earlier.
    """
    can = np.flatnonzero(removable)
    K = can
    if can.size > CANDIDATES:
        e = errors(among(grid, can), w[can])
        cheapest = np.argsort(e**2 / d[can], kind="stable")
        K = np.sort(can[cheapest[:CANDIDATES]])
    C_KK, n_pick = C.columns(K, rows=K), min(n_pick, K.size)
    picks, z, L_K, c = _greedy(w[K], d[K], C_KK, n_pick, among(grid, K))
    Q = K[picks]
    (trsm,) = get_blas_funcs(("trsm",), (L_K,))
    L = trsm(1.0, L_K[picks], C.columns(Q), side=1, lower=1, trans_a=1, overwrite_b=1)
    if K.size < can.size:
        outside = np.setdiff1d(can, K, assume_unique=True)
        others = among(grid, outside)
        n_pick = _first_intrusion(w[outside], d[outside], L[outside], outside, z, Q, others)
    return Q[:n_pick], z[:n_pick], L[:, :n_pick], c[:n_pick]


def _greedy(w, d, C, n_pick, grid):
    """The elimination loop itself, for a C that fits in cache: picks, z, columns l, constants c."""
    L = np.zeros((w.size, n_pick), w.dtype, order="F")
    picks, z, c = np.empty(n_pick, np.intp), np.empty(n_pick, w.dtype), np.zeros(n_pick, w.dtype)
    (gemv,) = get_blas_funcs(("gemv",), (L,))
    buffer = np.empty_like(w)
    for j in range(n_pick):
        e = errors(grid, w)
        np.multiply(e, e, out=buffer)
        buffer /= d
        q = int(buffer.argmin())  # w_q^2 / C_qq = 2 L_q; ties to the lowest index
        if not d[q] > 0:
            raise LinAlgError("the inverse Hessian lost positive definiteness")
        root = d[q] ** 0.5
        l = C[:, q].copy()
        if j:
            l = gemv(-1.0, L[:, :j], L[q, :j], beta=1.0, y=l, overwrite_y=1)
            l[picks[:j]] = 0  # only rounding is left there, and it is large if C is
        l /= root
        picks[j], z[j], L[:, j] = q, e[q] / root, l
        if grid is not None:
            c[j] = grid.among(q).nearest(w[q])
        np.multiply(l, z[j], out=buffer)
        w -= buffer
        np.multiply(l, l, out=buffer)
        d -= buffer
        w[q], d[q] = np.inf, 1  # never picked again
    return picks, z, L, c


def _first_intrusion(w, d, L, index, z, Q, grid):
    """The number of picks before the first at which another weight should have been picked.

    The other weights are those outside the candidates. After j picks, the saliency of such a weight
    is (w - sum z l)^2 / (2 (d - sum l^2)), and it has to be above z_j^2 / 2. For most weights, the
    Cauchy-Schwarz inequality |sum z l| <= |z| |l| shows this at once. On a grid, errors are not
    linear in z, and all weights are examined.
    """
    z, earlier = z[1:], z[:-1]  # pick 0 has the lowest saliency of all weights
    L = L[:, :-1]
    if not z.size:
        return 1
    slack = np.abs(w) - np.linalg.norm(earlier) * np.sqrt(np.einsum("ij,ij->i", L, L))
    near = np.maximum(slack, 0) ** 2 <= d * (z**2).max()
    suspect = np.flatnonzero(near if grid is None else np.ones(w.size, bool))
    L = L[suspect]
    w_later = w[suspect, None] - np.cumsum(L * earlier, axis=1)
    d_later = d[suspect, None] - np.cumsum(L * L, axis=1)
    if grid is not None:
        w_later = errors(Grid(grid.scale[suspect, None], grid.most), w_later)
    score = w_later**2 / d_later
    sooner = (score < z**2) | ((score == z**2) & (index[suspect, None] < Q[1:]))
    cut = np.flatnonzero(sooner.any(axis=0))
    return int(cut[0]) + 1 if cut.size else z.size + 1


def all_at_once(weights, columns, removed, values=0.0):
    """The weights after the removal of all of `removed`, in closed form.

    The minimum of the quadratic model under w_R = c_R is w + delta w with

        delta w = -C_:R C_RR^-1 (w_R - c_R)

    Parameters
    ----------
    weights : ndarray of shape (n,)
    columns : ndarray of shape (n, n_removed)
        C_:R of the inverse Hessian C.
    removed : ndarray of shape (n_removed,), int
    values : ndarray of shape (n_removed,) or 0, default=0
        c_R.

    Returns
    -------
    ndarray of shape (n,)
        The weights, exactly c_R where removed.
    """
    w = np.array(weights, dtype=columns.dtype)
    if len(removed):
        w -= columns @ cho_solve(cho_factor(columns[removed]), w[removed] - values)
    w[removed] = values
    return w
