"""Swaps: removed weights replace remaining ones, if this lowers the measured loss.

After the target sparsity has been reached, this is repeated until no swap is found::

    make the best swaps of the quadratic model that lower its loss (see `elimination.swaps`),
         retrain; if the measured loss is not lower, try half as many
    if none was kept: bring back the r removed weights of greatest gain, retrain, remove r weights,
         retrain; if the measured loss is not lower, try half as many

A swap of one or several weights is kept only if it has lowered the measured loss.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.curvature import FACTORED, factor_diagonal, gauss_newton, measure
from sklearn_obs.elimination import SwapModel
from sklearn_obs.network import Network, evaluate, loss, loss_and_gradient
from sklearn_obs.network.compaction import fold_constants
from sklearn_obs.pruning.feasibility import check_swaps, n_in_model
from sklearn_obs.pruning.movement import retrain_watched
from sklearn_obs.pruning.problem import Problem
from sklearn_obs.pruning.removal import remove
from sklearn_obs.retraining import retrain

LEAST_CHANGE = 1e-4  # share of the loss: swaps with a smaller predicted gain are noise
REGROWN_SHARE = 1 / 8  # number of weights first brought back, as a share of the remaining ones
LEAST_DAMPING = 1e-6  # needed because the curvature of a dead weight is 0


@dataclass(frozen=True)
class Swap:
    """The network after a swap that lowered the loss."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, the remaining parameters
    removed: np.ndarray  # (r,) flat indices of removed weights
    regrown: np.ndarray  # (r,) flat indices of weights that came back
    saliency: np.ndarray  # (r,) predicted changes of the loss, negative in the model's swaps
    pruned_loss: float  # measured before the last retraining
    loss: float  # measured after it
    label_loss: float  # against the labels alone, without penalty; nan without labels
    epochs: int  # of retraining, including those of failed attempts
    converged: bool


def find_swap(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    before: float,
    rng: np.random.Generator,
) -> Swap | None:
    """Find a swap after which the loss is below `before`, or return None.

    Raises
    ------
    MemoryError
        If the model of remaining and removed weights would need more memory than is available.
    numpy.linalg.LinAlgError
        If its curvature cannot be inverted with this damping.
    """
    objective, plan, removable = problem.objective, problem.plan, problem.scope.prunable
    found = _model(network, mask, problem, rng)
    if found is None:
        return None
    model, members = found
    gains = model.gains()
    spent = 0

    def attempt(start, remains, removed, regrown, saliency):
        nonlocal spent
        start = fold_constants(start, remains)
        pruned_loss = loss(start, objective)
        retrained = retrain(start, remains, objective, plan, rng)
        spent += retrained.epochs
        after = evaluate(retrained.network, objective)
        if not after.objective < before:
            return None
        return Swap(
            network=retrained.network,
            mask=remains,
            removed=removed,
            regrown=regrown,
            saliency=saliency,
            pruned_loss=pruned_loss,
            loss=after.objective,
            label_loss=after.label,
            epochs=spent,
            converged=retrained.converged,
        )

    n_remaining = problem.scope.n_remaining(mask)
    n_most = min(n_remaining, plan.n_swaps)
    path = model.path(n_most, eligible=removable[members], least=LEAST_CHANGE * before)
    n_swaps = path.out.size
    while n_swaps:
        # a weight may come back and be removed again within the path
        was, remains = mask[members], mask[members].copy()
        for out, back in zip(path.out[:n_swaps], path.back[:n_swaps], strict=True):
            remains[out], remains[back] = False, True
        theta, new_mask = network.theta.copy(), mask.copy()
        theta[members], new_mask[members] = path.weights[n_swaps - 1], remains
        removed, regrown = members[was & ~remains], members[remains & ~was]
        change = np.full(removed.size, path.change[:n_swaps].sum() / max(removed.size, 1))
        found = attempt(network.with_theta(theta), new_mask, removed, regrown, change)
        if found is not None:
            return found
        n_swaps //= 2

    best = np.argsort(-np.nan_to_num(gains), kind="stable")
    n_regrown = min(int(REGROWN_SHARE * n_remaining), int(np.count_nonzero(gains > 0)))
    while n_regrown:
        regrown = np.sort(members[best[:n_regrown]])
        new_mask = mask.copy()
        new_mask[regrown] = True
        movement, fuller = retrain_watched(
            fold_constants(network, new_mask), new_mask, problem, rng
        )
        spent += fuller.epochs
        (cut,) = remove(fuller.network, new_mask, problem, n_regrown, rng, movement=movement)
        found = attempt(cut.network, cut.mask, cut.removed, regrown, cut.saliency)
        if found is not None:
            return found
        n_regrown //= 2
    return None


def _model(network, mask, problem, rng):
    """Make a `SwapModel` of the remaining and the most promising removed weights.

    Returns the model and the flat indices of its weights, or None if the curvature of all remaining
    weights is 0.
    """
    objective, plan, n_coefs = problem.objective, problem.plan, network.layout.n_coefs
    measured = measure(network, objective, plan, rng, kinds=FACTORED)
    _, gradient = loss_and_gradient(network, objective)
    diagonal = factor_diagonal(measured)
    diagonal[:n_coefs] += objective.penalty
    damping = max(plan.damping, LEAST_DAMPING) * diagonal[mask].mean()
    if not damping:  # the curvature of all remaining weights is 0: there is no model
        return None
    diagonal += damping
    removed = np.flatnonzero(problem.scope.prunable & ~mask)
    n_remaining = int(np.count_nonzero(mask))
    room = n_in_model(n_remaining, removed.size)
    if removed.size > room:  # g^2 / (2 H_bb) is a lower bound of the gain
        bound = gradient[removed] ** 2 / diagonal[removed]
        removed = np.sort(removed[np.argsort(-bound, kind="stable")[:room]])
    check_swaps(n_remaining, removed.size)
    members = np.union1d(np.flatnonzero(mask), removed)
    H = gauss_newton(measured, members)
    H[np.diag_indices(members.size)] += np.where(members < n_coefs, objective.penalty, 0) + damping
    try:
        model = SwapModel(network.theta[members], gradient[members], H, mask[members])
    except LinAlgError as error:
        raise LinAlgError(
            f"The Hessian for swaps cannot be inverted with damping={plan.damping}: {error}. "
            "Increase `damping`, or set `n_swaps=0`."
        ) from error
    return model, members
