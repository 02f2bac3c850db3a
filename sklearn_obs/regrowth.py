"""Weights that come back: exchanges after which the loss is measured to be lower.

At the sparsity that was asked for, again and again until none is found::

    the model's best swaps, as far as they pay (see `swaps`): retrain; on failure half as many
    else the r removed weights of greatest gain come back: retrain, remove r, retrain;
         on failure half as many

An exchange is kept only if the loss has fallen.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.compaction import fold_constants
from sklearn_obs.curvature import FACTORED, factor_diagonal, gauss_newton
from sklearn_obs.memory import available_bytes, readable
from sklearn_obs.network import Network, loss, loss_and_gradient
from sklearn_obs.plan import measurement, retrain
from sklearn_obs.removal import prunable, remove
from sklearn_obs.swaps import SwapModel

LEAST_CHANGE = 1e-4  # of the loss: a swap that the model values less is noise
REGROWN_SHARE = 1 / 8  # of the survivors that regrow at first
MODEL_SIZE = 4_000  # weights in the model, more if twice the survivors are more
LEAST_DAMPING = 1e-6  # what survives without touching the output has no curvature of its own


@dataclass(frozen=True)
class Exchange:
    """The network after an exchange that lowered the loss."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what lives
    removed: np.ndarray  # (r,) flat indices
    regrown: np.ndarray  # (r,) flat indices
    saliency: np.ndarray  # (r,) predicted changes of the loss, of swaps negative
    pruned_loss: float  # measured before the last retraining
    loss: float  # and after
    epochs: int  # passes over the data in retraining, those of failed attempts included
    converged: bool


def exchange(network, mask, unread, objective, before, plan, rng):
    """An exchange after which the loss is below `before`, or None.

    Raises
    ------
    MemoryError
        If the model of the survivors and as many removed weights would take more than there is.
    numpy.linalg.LinAlgError
        If its curvature cannot be inverted with this damping.
    """
    model, members = _model(network, mask, objective, plan, rng)
    gains = model.gains()
    may_go = prunable(network, plan.prune_intercepts)
    spent = 0

    def attempt(start, alive, removed, regrown, saliency):
        nonlocal spent
        start = fold_constants(start, alive)
        pruned_loss = loss(start, objective)
        retrained = retrain(start, alive, objective, plan, rng)
        spent += retrained.epochs
        after = loss(retrained.network, objective)
        if after >= before:
            return None
        return Exchange(
            network=retrained.network,
            mask=alive,
            removed=removed,
            regrown=regrown,
            saliency=saliency,
            pruned_loss=pruned_loss,
            loss=after,
            epochs=spent,
            converged=retrained.converged,
        )

    n_living = int(np.count_nonzero(mask & may_go))
    path = model.path(n_living, eligible=may_go[members], least=LEAST_CHANGE * before)
    n_swaps = path.out.size
    while n_swaps:
        # a weight may come back and leave again within the path
        was, alive = mask[members], mask[members].copy()
        for out, back in zip(path.out[:n_swaps], path.back[:n_swaps], strict=True):
            alive[out], alive[back] = False, True
        theta, new_mask = network.theta.copy(), mask.copy()
        theta[members], new_mask[members] = path.weights[n_swaps - 1], alive
        removed, regrown = members[was & ~alive], members[alive & ~was]
        change = np.full(removed.size, path.change[:n_swaps].sum() / max(removed.size, 1))
        found = attempt(network.with_theta(theta), new_mask, removed, regrown, change)
        if found is not None:
            return found
        n_swaps //= 2

    best = np.argsort(-np.nan_to_num(gains), kind="stable")
    n_regrown = min(int(REGROWN_SHARE * n_living), np.count_nonzero(gains > 0))
    while n_regrown:
        regrown = np.sort(members[best[:n_regrown]])
        new_mask = mask.copy()
        new_mask[regrown] = True
        fuller = retrain(network, new_mask, objective, plan, rng)
        spent += fuller.epochs
        (cut,) = remove(fuller.network, new_mask, unread, objective, n_regrown, plan, rng)
        found = attempt(cut.network, cut.mask, cut.removed, regrown, cut.saliency)
        if found is not None:
            return found
        n_regrown //= 2
    return None


def _model(network, mask, objective, plan, rng):
    """A `SwapModel` of the survivors and the most promising of the removed; their flat indices."""
    measured = measurement(network, objective, plan, rng, kinds=FACTORED)
    _, gradient = loss_and_gradient(network, objective)
    diagonal = factor_diagonal(measured)
    diagonal[: network.n_coefs] += objective.penalty
    damping = max(plan.damping, LEAST_DAMPING) * diagonal[mask].mean()
    diagonal += damping
    removed = np.flatnonzero(prunable(network, plan.prune_intercepts) & ~mask)
    n_living = int(np.count_nonzero(mask))
    room = max(n_living, MODEL_SIZE - n_living)
    if removed.size > room:  # g^2 / (2 H_bb) is a lower bound of the gain
        bound = gradient[removed] ** 2 / diagonal[removed]
        removed = np.sort(removed[np.argsort(-bound, kind="stable")[:room]])
    _check_memory(n_living, removed.size)
    members = np.union1d(np.flatnonzero(mask), removed)
    H = gauss_newton(measured, members)
    H[np.diag_indices(members.size)] += (
        np.where(members < network.n_coefs, objective.penalty, 0) + damping
    )
    try:
        model = SwapModel(network.theta[members], gradient[members], H, mask[members])
    except LinAlgError as error:
        raise LinAlgError(
            f"The model of swaps cannot be inverted with damping={plan.damping}: {error}. Increase "
            "`damping`, or set `n_swaps=0`."
        ) from error
    return model, members


def _check_memory(n_living, n_removed):
    # H and what makes it; C; T and four matrices of its shape
    needed = 8 * (2 * (n_living + n_removed) ** 2 + 2 * n_living**2 + 5 * n_living * n_removed)
    if needed > available_bytes():
        raise MemoryError(
            f"Swaps of {n_living:,} weights need {readable(needed)}, but "
            f"{readable(available_bytes())} are available: set `n_swaps=0`, or prune further first."
        )
