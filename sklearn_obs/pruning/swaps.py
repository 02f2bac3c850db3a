"""Swaps that are tried and kept: a removed weight comes back for another, if the loss falls.

At the sparsity that was asked for, again and again until none is found::

    the model's best swaps, as far as they lower it (see `sklearn_obs.elimination.swaps`): retrain;
         on failure half as many
    else the r removed weights of greatest gain come back: retrain, remove r, retrain;
         on failure half as many

A swap, of one weight or several, is kept only if the measured loss has fallen.
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

LEAST_CHANGE = 1e-4  # of the loss: a swap that the model values less is noise
REGROWN_SHARE = 1 / 8  # of the remaining weights that are brought back at first
LEAST_DAMPING = 1e-6  # a remaining weight without effect on the output has no curvature of its own


@dataclass(frozen=True)
class Swap:
    """The network after a swap that lowered the loss."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what remains
    removed: np.ndarray  # (r,) flat indices
    regrown: np.ndarray  # (r,) flat indices
    saliency: np.ndarray  # (r,) predicted changes of the loss, negative in the model's swaps
    pruned_loss: float  # measured before the last retraining
    loss: float  # and after
    label_loss: float  # against the labels alone, without penalty; nan without labels
    epochs: int  # of retraining, those of failed attempts included
    converged: bool


def find_swap(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    before: float,
    rng: np.random.Generator,
) -> Swap | None:
    """A swap after which the loss is below `before`, or None.

    Raises
    ------
    MemoryError
        If the model of the remaining and as many removed weights would take more than there is.
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
    """A `SwapModel` of the remaining and the most promising removed weights; their indices.

    None where nothing that remains has curvature.
    """
    objective, plan, n_coefs = problem.objective, problem.plan, network.layout.n_coefs
    measured = measure(network, objective, plan, rng, kinds=FACTORED)
    _, gradient = loss_and_gradient(network, objective)
    diagonal = factor_diagonal(measured)
    diagonal[:n_coefs] += objective.penalty
    damping = max(plan.damping, LEAST_DAMPING) * diagonal[mask].mean()
    if not damping:  # nothing that remains has curvature: there is no model
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
