"""The removal of a round: costless weights first, then those that a criterion selects.

*Dead* weights have no effect on the output. *Unread* weights belong to inputs that are 0 in every
sample. Both are *costless*, and so are weights whose curvature is 0. They are removed before the
criterion ranks the others. Their removal may make other weights dead, so costless weights are
looked for again until there are none. After the removal, constants are folded into intercepts.
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
    mask: np.ndarray  # (n_parameters,) bool, the remaining parameters
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    rng: np.random.Generator  # a copy of the round's generator in its state after the removal


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
    """Remove the weights of one round, and return the network at each of `stops`.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        The remaining parameters.
    problem : Problem
    n_round : int
        Number of weights that a whole round removes. The first removals of a round do not depend on
        where it stops, not even by a rounding error.
    rng : numpy.random.Generator
    movement : ndarray of shape (n_parameters,), default=None
        The scores of the criterion 'movement'.
    stops : sequence of int, default=None
        Numbers of removals, ascending, between 1 and `n_round`. By default, only `n_round`.

    Returns
    -------
    list of Removal
        One for each of `stops`.
    """
    stops = [n_round] if stops is None else stops
    at_no_cost = np.empty(0, np.intp)
    done: list[Removal] = []
    # the weights of a constant unit are dead only after its value has been folded
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
        # fold the units that have become constant, which also sets newly dead weights to 0
        network = fold_constants(network.with_theta(theta), remains)
    # for other criteria, and for groups, the first removals do not depend on the last one
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
    """Flat indices of the weights that are removed at no cost: dead ones, then unread ones."""
    removable = problem.scope.prunable & mask
    dead = np.flatnonzero(dead_weights(network.layout, mask) & removable)
    if problem.plan.criterion not in CURVATURE_CRITERIA:
        return dead
    unread = np.flatnonzero(problem.scope.unread & removable)
    return np.concatenate([dead, np.setdiff1d(unread, dead)])


def _without_curvature(case, plan):
    """Flat indices of the single candidates whose curvature is 0, the smallest weights first."""
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
    """The `Elimination` by the criterion of the plan."""
    position = case.measurement.network.layout.positions(case.keep)

    def freed(q):
        found = position[np.asarray(orphans(case.keep[q]), np.intp)]
        return found[found >= 0]  # parameters outside the case have position -1

    with _naming(case, plan):
        return CRITERIA[plan.criterion](case, n_remove, freed, stops)


@contextmanager
def _naming(case, plan):
    """A context manager that adds to errors the names of the parameters to change."""
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
