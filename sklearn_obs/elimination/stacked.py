"""Greedy removal in many small blocks at once: each step removes one weight from every block.

For a block of a few dozen weights, the arithmetic of a removal takes less time than the calls. So
the blocks are padded to the size of the largest and stacked, and each step of the loop in
`sklearn_obs.elimination.greedy` is computed for all blocks b by one call::

    q_b = argmin w_b^2 / d_b       l_b = (C_b e_q - L_b L_b[q]') / sqrt(d_b[q])
    z_b = w_b[q] / sqrt(d_b[q])    w_b <- w_b - z_b l_b        d_b <- d_b - l_b^2
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.elimination.greedy import Elimination
from sklearn_obs.elimination.grid import Grid, among, constants, errors
from sklearn_obs.elimination.inverse_hessian import InverseHessian


def eliminate_stacked(
    weights: Sequence[np.ndarray],
    inverses: Sequence[InverseHessian],
    n_remove: Sequence[int],
    *,
    eligible: Sequence[np.ndarray],
    grids: Sequence[Grid] | None = None,
) -> list[tuple[Elimination, np.ndarray]]:
    """`eliminate` for each of several small blocks.

    Parameters
    ----------
    weights, inverses, n_remove, eligible : sequences
        One entry for each block, as in `eliminate`.
    grids : sequence of Grid, default=None
        One for each block, all with the same `most`.

    Returns
    -------
    list of (Elimination, ndarray of shape (n, n_remove))
        The removals in each block, and the columns of its inverse Hessian for removed weights.

    Raises
    ------
    numpy.linalg.LinAlgError
        If some inverse Hessian loses positive definiteness on the way.
    """
    counts, sizes = np.asarray(n_remove), [w.size for w in weights]
    n_blocks, n_steps, size = len(sizes), int(counts.max(initial=0)), max(sizes)
    dtype = np.result_type(*(inverse.diagonal().dtype for inverse in inverses))
    C = np.zeros((n_blocks, size, size), dtype)
    w, d = np.zeros((n_blocks, size), dtype), np.ones((n_blocks, size), dtype)
    left = np.zeros((n_blocks, size), bool)  # what may still be removed
    for b, (inverse, n) in enumerate(zip(inverses, sizes, strict=True)):
        C[b, :n, :n] = inverse.columns(np.arange(n))
        w[b, :n], d[b, :n], left[b, :n] = weights[b], inverse.diagonal(), eligible[b]
    grid = None
    if grids is not None:
        grid = Grid(np.ones(w.shape), grids[0].most)
        for b, (each, n) in enumerate(zip(grids, sizes, strict=True)):
            grid.scale[b, :n] = each.scale
    every = np.arange(n_blocks)
    there = np.ones((n_blocks, size), dtype)  # 0 where removed
    L = np.zeros((n_blocks, n_steps, size), dtype)
    order = np.zeros((n_blocks, n_steps), np.intp)
    saliency = np.zeros((n_blocks, n_steps), dtype)
    score = np.empty_like(w)
    for j in range(n_steps):
        score.fill(np.inf)
        e = errors(grid, w)
        np.divide(e * e, d, out=score, where=left)
        q = score.argmin(axis=1)  # ties to the lowest index
        going = counts > j
        pivot = d[every, q]
        if not (pivot[going] > 0).all():
            raise LinAlgError("the inverse Hessian lost positive definiteness")
        root = np.sqrt(np.where(going, pivot, 1))
        l = C[every, q]  # C is symmetric
        if j:
            l = l - np.matmul(L[every, :j, q][:, None, :], L[:, :j])[:, 0]
        l *= there  # only rounding is left where a weight is removed, large if C is
        l *= (going / root).astype(dtype)[:, None]
        z = np.where(going, e[every, q] / root, 0)
        c = constants(among(grid, (every, q)), w[every, q])
        L[:, j] = l
        w -= z[:, None] * l
        d -= l * l
        order[:, j], saliency[:, j] = q, z**2 / 2
        gone = every[going], q[going]
        w[gone] = c[going]
        d[gone], left[gone], there[gone] = 1, False, 0
    return [
        (
            Elimination(order[b, :k], saliency[b, :k].copy(), w[b, :n].copy()),
            C[b, :n, order[b, :k]].T.copy(),
        )
        for b, (k, n) in enumerate(zip(counts.tolist(), sizes, strict=True))
    ]
