"""A round's removal: what costs nothing first, then what a criterion chooses.

Dead weights have no effect on the output. Weights of inputs that no sample reads have no curvature,
and are *unread*. Both are *costless*: they are removed before a criterion ranks the others. After
the removal constants are folded into intercepts.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.elimination.groups import LastGroupError
from sklearn_obs.network import Network
from sklearn_obs.network.compaction import Orphans, dead_weights, fold_constants, inputs_read
from sklearn_obs.pruning.criteria import CRITERIA, CURVATURE_CRITERIA, Case, NotFinite
from sklearn_obs.pruning.problem import Problem


@dataclass(frozen=True)
class Removal:
    """The network after a removal, before the remaining weights are retrained."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what remains
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    rng: np.random.Generator  # a copy of the round's, as it stands then


def remove(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    n_round: int,
    rng: np.random.Generator,
    *,
    movement: np.ndarray | None = None,
    stops: Sequence[int] | None = None,
) -> list[Removal]:
    """One round of elimination, as it stands at each of `stops`.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What remains.
    problem : Problem
    n_round : int
        How many weights a whole round removes. What a round removes first does not depend on where
        it stops, not even by a rounding error.
    rng : numpy.random.Generator
    movement : ndarray of shape (n_parameters,), default=None
        What that criterion ranks by.
    stops : sequence of int, default=None
        Numbers of removals, ascending from 1 to `n_round`; `n_round` alone by default.

    Returns
    -------
    list of Removal
        One for each of `stops`.
    """
    stops = [n_round] if stops is None else stops
    costless = _costless(network, mask, problem)[:n_round]
    n_reached = sum(stop <= costless.size for stop in stops)  # stops that cost nothing to reach
    done = [
        _removal(network, mask, network.theta, costless[:stop], np.zeros(stop), rng)
        for stop in stops[:n_reached]
    ]
    if n_reached == len(stops):
        return done
    theta, remains = network.theta.copy(), mask.copy()
    theta[costless], remains[costless] = 0, False
    network = network.with_theta(theta)
    keep = np.flatnonzero(remains & ~dead_weights(network.layout, remains))
    case = Case.of(network, keep, problem, rng, movement)
    # what other criteria, and groups, remove first does not depend on where they stop
    whole = problem.plan.criterion == "obs" and case.groups is None
    last = (n_round if whole else stops[-1]) - costless.size
    within = [stop - costless.size for stop in stops[n_reached:]]
    orphans = Orphans(network.layout, remains)
    chosen = _chosen(case, orphans, last, [stop for stop in within if stop < last], problem.plan)
    for path in [*chosen.earlier, chosen][: len(within)]:
        theta[keep] = path.weights
        removed = np.concatenate([costless, keep[path.order]])
        saliency = np.concatenate([np.zeros(costless.size), path.saliency])
        done.append(_removal(network, mask, theta, removed, saliency, rng))
        if case.groups is not None and not inputs_read(network.layout, done[-1].mask).size:
            raise _nothing_left(problem.plan)
    return done


def _costless(network, mask, problem):
    """Flat indices of what may be removed at no cost: dead weights, then unread ones."""
    removable = problem.scope.prunable & mask
    dead = np.flatnonzero(dead_weights(network.layout, mask) & removable)
    if problem.plan.criterion not in CURVATURE_CRITERIA:
        return dead
    unread = np.flatnonzero(problem.scope.unread & removable)
    return np.concatenate([dead, np.setdiff1d(unread, dead)])


def _removal(network, mask, theta, removed, saliency, rng):
    theta, mask = theta.copy(), mask.copy()
    theta[removed], mask[removed] = 0, False
    network = fold_constants(network.with_theta(theta), mask)
    return Removal(network, mask, removed, saliency, copy.deepcopy(rng))


def _chosen(case, orphans, n_remove, stops, plan):
    """The criterion's `Elimination`; its errors name the parameters to change."""
    position = case.measurement.network.layout.positions(case.keep)

    def freed(q):
        return position[np.asarray(orphans(case.keep[q]), np.intp)]

    try:
        return CRITERIA[plan.criterion](case, n_remove, freed, stops)
    except LinAlgError as error:
        remedy = "" if isinstance(error, NotFinite) else " Increase `damping`."
        raise LinAlgError(
            f"Pruning failed with damping={plan.damping}, structure={case.structure!r} and "
            f"curvature={plan.curvature!r}: {error}.{remedy}"
        ) from error
    except LastGroupError as error:
        raise _nothing_left(plan) from error


def _nothing_left(plan):
    return ValueError(
        f"With granularity={plan.granularity!r} the target sparsity is out of reach: the next one "
        "to be removed is the last of its layer, and the whole network would be removed with it. "
        "Lower `target_sparsity`, or go on with granularity='weight'."
    )
