"""A round's removal: what costs nothing first, then what a criterion chooses.

Dead weights have no effect on the output. Weights of inputs that no sample reads are *unread*. Both
are *costless*, as is a weight whose curvature is 0: they are removed before a criterion ranks the
others, and once they are, others may be dead, so that these are looked for again. After
the removal constants are folded into intercepts.
"""

import copy
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.elimination.groups import LastGroupError
from sklearn_obs.network import Network
from sklearn_obs.network.compaction import Orphans, dead_weights, fold_constants, inputs_read
from sklearn_obs.pruning.criteria import CRITERIA, CURVATURE_CRITERIA, BeyondDamping, Case
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
    at_no_cost = np.empty(0, np.intp)
    done: list[Removal] = []
    # weights of a constant unit are dead once they have been folded, not before
    network, remains = fold_constants(network, mask), mask
    while True:
        case, costless = None, _costless(network, remains, problem)
        if not costless.size:
            keep = np.flatnonzero(remains & ~dead_weights(network.layout, remains))
            case = Case.of(network, keep, problem, rng, movement)
            with _naming(case, problem.plan):
                costless = _without_curvature(case, problem.plan)
        if case is not None and not costless.size:
            break
        before, at_no_cost = at_no_cost.size, np.concatenate([at_no_cost, costless])[:n_round]
        for stop in stops[len(done) :]:
            if stop <= at_no_cost.size:
                removed, saliency = at_no_cost[:stop], np.zeros(stop)
                done.append(_removal(network, mask, network.theta, removed, saliency, rng))
        if len(done) == len(stops):
            return done
        theta, remains = network.theta.copy(), remains.copy()
        theta[at_no_cost[before:]], remains[at_no_cost[before:]] = 0, False
        # what has become constant is folded, so that weights that are dead by now are 0, too
        network = fold_constants(network.with_theta(theta), remains)
    # what other criteria, and groups, remove first does not depend on where they stop
    whole = problem.plan.criterion == "obs" and case.groups is None
    last = (n_round if whole else stops[-1]) - at_no_cost.size
    within = [stop - at_no_cost.size for stop in stops[len(done) :]]
    orphans = Orphans(network.layout, remains)
    chosen = _chosen(case, orphans, last, [stop for stop in within if stop < last], problem.plan)
    theta = network.theta.copy()
    for path in [*chosen.earlier, chosen][: len(within)]:
        theta[keep] = path.weights
        removed = np.concatenate([at_no_cost, keep[path.order]])
        saliency = np.concatenate([np.zeros(at_no_cost.size), path.saliency])
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


def _without_curvature(case, plan):
    """Flat indices of single candidates that the loss does not feel at all, the smallest first."""
    if plan.criterion not in CURVATURE_CRITERIA or case.groups is not None:
        return np.empty(0, np.intp)
    (flat,) = np.nonzero(case.eligible & (case.hessian_diagonal() == 0))
    return case.keep[flat[np.argsort(np.abs(case.weights[flat]), kind="stable")]]


def _removal(network, mask, theta, removed, saliency, rng):
    theta, mask = theta.copy(), mask.copy()
    theta[removed], mask[removed] = 0, False
    network = fold_constants(network.with_theta(theta), mask)
    return Removal(network, mask, removed, saliency, copy.deepcopy(rng))


def _chosen(case, orphans, n_remove, stops, plan):
    """The criterion's `Elimination`."""
    position = case.measurement.network.layout.positions(case.keep)

    def freed(q):
        found = position[np.asarray(orphans(case.keep[q]), np.intp)]
        return found[found >= 0]  # what is not among the candidates has no position

    with _naming(case, plan):
        return CRITERIA[plan.criterion](case, n_remove, freed, stops)


@contextmanager
def _naming(case, plan):
    """A context whose errors name the parameters to change."""
    try:
        yield
    except LinAlgError as error:
        remedy = "" if isinstance(error, BeyondDamping) else " Increase `damping`."
        raise LinAlgError(
            f"Pruning failed with damping={plan.damping}, structure={case.structure!r} and "
            f"curvature={plan.curvature!r}: {error}.{remedy}"
        ) from error
    except LastGroupError as error:
        raise _nothing_left(plan) from error


def _nothing_left(plan):
    return ValueError(
        f"With granularity={plan.granularity!r} the target sparsity is out of reach: the next one "
        "to be removed is the last of its layer, and without it the output would be constant. "
        "Lower `target_sparsity`, or prune further with granularity='weight'."
    )
