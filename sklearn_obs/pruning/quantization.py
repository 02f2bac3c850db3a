"""Quantization to few bits: weights are rounded to grids by elimination, then scales are trained.

The grid of a unit consists of the multiples -m, ..., m of its scale, with m = 2^(bits - 1) - 1. The
scale is fitted to the unit's weights by least squares::

    s_j = argmin sum_i (w_ij - s z_ij)^2        z_ij = clip(round(w_ij / s), -m, m)

The weights are rounded by Optimal Brain Surgeon, in the order of their saliencies, and after each
one the weights that are not yet rounded are adjusted (see `sklearn_obs.elimination.grid`). Then the
scales and the intercepts are trained with all integers fixed.

References
----------
Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal Brain
Surgeon. Advances in Neural Information Processing Systems 5, section 7.
Frantar, E. and Alistarh, D. (2022). Optimal Brain Compression: a framework for accurate
post-training quantization and pruning. NeurIPS 35.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.elimination import Grid, eliminate, eliminate_blocks
from sklearn_obs.network import Network, forward, loss, sample_batches
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.pruning.criteria import Case
from sklearn_obs.pruning.problem import Problem
from sklearn_obs.retraining.scales import train_scales

EPOCHS = 20  # for training the scales and intercepts
N_STARTS = 100  # starting values in the search for the scale of a unit
REFINEMENTS = 4  # steps from each starting value


@dataclass(frozen=True)
class Quantized:
    """A network whose weights are on grids."""

    network: Network
    scales: list[np.ndarray]  # (fan_out,) for each layer, in the network's dtype


def quantized(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    bits: int,
    rng: np.random.Generator,
    *,
    by_elimination: bool = True,
) -> Quantized:
    """Put the weights of each unit on a grid of `bits` bits.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        The remaining parameters; the other ones stay 0.
    problem : Problem
        With granularity 'weight' and criterion 'obs' (see `of_single_weights`).
    bits : int
    rng : numpy.random.Generator
    by_elimination : bool, default=True
        If False, each weight is rounded independently to the nearest grid value, for comparison.

    Returns
    -------
    Quantized

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    layout, most = network.layout, 2 ** (bits - 1) - 1
    masks, _ = layout.split(mask)
    scales = [
        least_squares_scales(W.astype(np.float64) * m, most)
        for W, m in zip(network.coefs, masks, strict=True)
    ]
    scale = np.ones(layout.n_parameters)
    for index, s in zip(layout.index, scales, strict=True):
        scale[index[:-1]] = s
    grid, theta = Grid(scale, most), network.theta.astype(np.float64)
    keep = np.flatnonzero(mask & ~problem.scope.unread & ~dead_weights(layout, mask))
    if by_elimination and keep.size:
        theta[keep] = _put_on(Case.of(network, keep, problem, rng), grid.among(keep))
    coefs, _ = layout.split(grid.integers(theta) * mask)
    free = mask & (np.arange(layout.n_parameters) >= layout.n_coefs)
    found, scales = train_scales(
        network.with_theta(theta), list(coefs), scales, free, problem.objective, epochs=EPOCHS
    )
    if not np.isfinite(loss(found, problem.objective)):
        raise LinAlgError("the loss of the quantized network is not finite: scale X")
    return Quantized(found, [s.astype(network.dtype) for s in scales])


def _put_on(case, grid):
    """The case's parameters, with all weights rounded to the grid and the intercepts adjusted."""
    coefs = case.keep < case.measurement.network.layout.n_coefs
    n, inverse = int(np.count_nonzero(coefs)), case.inverse_hessian()
    blocks, options = inverse.blocks(), {"eligible": coefs, "grid": grid}
    if blocks is None:
        return eliminate(case.weights, inverse, n, overwrite=True, **options).weights
    weights = eliminate_blocks(case.weights, blocks, n, n_jobs=case.n_jobs, **options).weights
    # if the whole matrix gives a better update than its blocks: adjust intercepts for the errors
    errors = np.where(coefs, case.weights - weights, 0.0)
    updated = inverse.compensated(errors, np.flatnonzero(coefs))
    if updated is not None:
        weights[~coefs] = case.weights[~coefs] + updated[~coefs]
    return weights


def least_squares_scales(W: np.ndarray, most: int) -> np.ndarray:
    """Find for each column of W the scale of least squared error, of shape (fan_out,).

    From each of `N_STARTS` scales, the integers for the scale and the scale for the integers are
    computed in turn. The starts end a fifth above the scale whose grid reaches the largest weight.
    The best scale that was met is returned, and 1 for a column of zeros.
    """
    largest = np.abs(W).max(axis=0, initial=0)
    largest[largest < np.finfo(np.float32).tiny * most] = 0  # too small to have a scale: dead units
    scales, best = np.ones(W.shape[1]), np.where(largest > 0, np.inf, 0)
    for share in np.linspace(0.2, 1.2, N_STARTS):
        s = np.where(largest > 0, share * largest / most, 1.0)
        for _ in range(REFINEMENTS):
            z = Grid(s, most).integers(W)
            error = ((W - s * z) ** 2).sum(axis=0)
            better = error < best
            scales[better], best[better] = s[better], error[better]
            energy = (z**2).sum(axis=0)
            s = np.where(energy > 0, (W * z).sum(axis=0) / np.maximum(energy, 1), s)
    return scales


def activation_scales(network: Network, X) -> np.ndarray:
    """Compute the step of the eight-bit activations of each hidden layer, (n_hidden_layers,).

    127 steps equal the largest magnitude on X. The step of a layer that is always 0 is 1.
    """
    largest = np.zeros(network.layout.n_layers - 1)
    for rows in sample_batches(X.shape[0]):
        hidden = forward(network, X[rows])[1:-1]
        largest = np.maximum(largest, [np.abs(h).max(initial=0) for h in hidden])
    return np.where(largest > 0, largest, 127.0) / 127


def of_single_weights(problem: Problem) -> Problem:
    """The problem changed to Optimal Brain Surgeon on single weights, all in one round."""
    n = problem.scope.layout.n_parameters
    plan = replace(problem.plan, granularity="weight", criterion="obs", step=n, n_swaps=0)
    return replace(problem, scope=replace(problem.scope, plan=plan))
