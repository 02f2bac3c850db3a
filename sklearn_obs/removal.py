"""A round's removal: what costs nothing first, then what a criterion chooses; constants folded."""

import copy
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.linalg import LinAlgError

from sklearn_obs.compaction import Orphans, fold_constants, ghosts, inputs_read
from sklearn_obs.criteria import CRITERIA, CURVATURE_CRITERIA, Case, NotFinite
from sklearn_obs.curvature import STRUCTURES, extent, positions
from sklearn_obs.groups import LastGroupError, groups_of, least_left
from sklearn_obs.memory import available_bytes, readable
from sklearn_obs.network import Network, row_batches
from sklearn_obs.plan import measurement

LAYER_SIZE = 2_500  # weights in a layer up to which "auto" couples all of them (docs/defaults.md)


def structure_for(network, keep, plan):
    """The plan's structure over the parameters `keep`; of "auto", the best that is affordable."""
    if plan.structure != "auto":
        return plan.structure
    kept = np.zeros(network.n_parameters, bool)
    kept[keep] = True
    largest = max(np.count_nonzero(kept[index]) for index in network.index)
    blocked = plan.curvature in STRUCTURES["unit"].kinds
    return "unit" if largest > LAYER_SIZE and blocked else "layer"


def prunable(network, prune_intercepts):
    """The parameters that may go: bool of shape (n_parameters,)."""
    return np.arange(network.n_parameters) < (
        network.n_parameters if prune_intercepts else network.n_coefs
    )


@dataclass(frozen=True)
class Removal:
    """The network after a removal, before its survivors are retrained."""

    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what lives
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    rng: np.random.Generator  # a copy of the round's, as it stands then


def remove(network, mask, unread, objective, n_round, plan, rng, *, movement=None, stops=None):
    """One round of elimination, as it stands at each of `stops`.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What lives.
    unread : ndarray of shape (n_parameters,), bool
        The weights that no row reads.
    objective : Objective
    n_round : int
        How many weights a whole round removes. What a round removes first does not depend on where
        it stops, not even by a rounding error.
    plan : Plan
    rng : numpy.random.Generator
    movement : ndarray of shape (n_parameters,), default=None
        What that criterion goes by.
    stops : sequence of int, default=None
        Numbers of removals, ascending from 1 to `n_round`; `n_round` alone by default.

    Returns
    -------
    list of Removal
        One for each of `stops`.
    """
    stops = [n_round] if stops is None else stops
    may_go = prunable(network, plan.prune_intercepts) & mask
    free = np.flatnonzero(ghosts(network, mask) & may_go)
    if plan.criterion in CURVATURE_CRITERIA:
        free = np.concatenate([free, np.setdiff1d(np.flatnonzero(unread & may_go), free)])
    free = free[:n_round]
    n_free = sum(stop <= free.size for stop in stops)  # stops that cost nothing to reach
    done = [
        _removal(network, mask, network.theta, free[:stop], np.zeros(stop), rng)
        for stop in stops[:n_free]
    ]
    if n_free == len(stops):
        return done
    theta, alive = network.theta.copy(), mask.copy()
    theta[free], alive[free] = 0, False
    network = network.with_theta(theta)
    keep = np.flatnonzero(alive & ~ghosts(network, alive))
    case = _case(network, keep, objective, plan, rng, may_go, movement)
    whole = plan.criterion == "obs" and case.groups is None  # others come the same, cut or not
    last = (n_round if whole else stops[-1]) - free.size
    within = [stop - free.size for stop in stops[n_free:]]
    orphans = Orphans(network, alive)
    chosen = _chosen(case, orphans, last, [stop for stop in within if stop < last], plan)
    for path in [*chosen.earlier, chosen][: len(within)]:
        theta[keep] = path.weights
        removed = np.concatenate([free, keep[path.order]])
        saliency = np.concatenate([np.zeros(free.size), path.saliency])
        done.append(_removal(network, mask, theta, removed, saliency, rng))
        if case.groups is not None and not inputs_read(network, done[-1].mask).size:
            raise _nothing_left(plan)
    return done


def _removal(network, mask, theta, removed, saliency, rng):
    theta, mask = theta.copy(), mask.copy()
    theta[removed], mask[removed] = 0, False
    network = fold_constants(network.with_theta(theta), mask)
    return Removal(network, mask, removed, saliency, copy.deepcopy(rng))


def _chosen(case, orphans, n_remove, stops, plan):
    """The criterion's `Elimination`; its errors name the parameters to turn."""
    position = positions(case.measurement.network, case.keep)

    def freed(q):
        return position[np.asarray(orphans(case.keep[q]), np.intp)]

    try:
        return CRITERIA[plan.criterion](case, n_remove, freed, stops)
    except LinAlgError as error:
        remedy = "" if isinstance(error, NotFinite) else " Increase `damping`."
        raise LinAlgError(
            f"Surgery failed with damping={plan.damping}, structure={case.structure!r} and "
            f"curvature={plan.curvature!r}: {error}.{remedy}"
        ) from error
    except LastGroupError as error:
        raise _nothing_left(plan) from error


def check_reach(network, n_left, plan):
    """Raise ValueError if whole groups of a dense network cannot go until `n_left` weights are."""
    if plan.granularity == "weight":
        return
    may_go = prunable(network, plan.prune_intercepts)
    least, n = np.count_nonzero(least_left(plan.granularity, network) & may_go), may_go.sum()
    if n_left < least:
        raise ValueError(
            f"Got a target sparsity of {1 - n_left / n:.4g} with granularity={plan.granularity!r}, "
            f"but expected at most {1 - least / n:.4g}: beyond it, the last {plan.granularity} of "
            "a layer would go, and the whole network with it. Lower `target_sparsity`, or use "
            "granularity='weight'."
        )


def _nothing_left(plan):
    return ValueError(
        f"With granularity={plan.granularity!r} the target sparsity is out of reach: the next one "
        "to go is the last of its layer, and the whole network would go with it. Lower "
        "`target_sparsity`, or go on with granularity='weight'."
    )


def _case(network, keep, objective, plan, rng, may_go, movement=None):
    """What a criterion is to look at."""
    groups = None
    if plan.granularity != "weight":
        groups = groups_of(plan.granularity, network, positions(network, keep))
    return Case(
        measurement=measurement(network, objective, plan, rng),
        keep=keep,
        eligible=may_go[keep],
        penalty=objective.penalty,
        damping=plan.damping,
        structure=structure_for(network, keep, plan),
        n_jobs=plan.n_jobs,
        rng=rng,
        movement=None if movement is None else movement[keep],
        groups=groups,
    )


def importances(network, mask, unread, objective, plan, rng):
    """What the loss would rise by without each input, (n_inputs,), 0 of inputs that are not read.

    With OBS's repair by the others, where that is the criterion; else of a diagonal Hessian.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    importance = np.zeros(len(network.coefs[0]))
    keep = np.flatnonzero(mask & ~unread & ~ghosts(network, mask))
    inputs = groups_of("input", network, positions(network, keep))
    if inputs:
        case = _case(network, keep, objective, plan, rng, prunable(network, plan.prune_intercepts))
        at = [keep[group.members[0]] // network.coefs[0].shape[1] for group in inputs]
        if plan.criterion == "obs":
            importance[at] = case.group_saliencies(inputs)
        else:
            saliency = case.hessian_diagonal() * case.weights**2 / 2
            importance[at] = [saliency[group.members].sum() for group in inputs]
    return importance


def never_read(network, X):
    """The weights of inputs that are 0 in every row, as bool of shape (n_parameters,)."""
    weight = np.zeros(network.n_parameters, bool)
    n_nonzero = sum(
        np.asarray((X[rows] != 0).sum(axis=0)).ravel() for rows in row_batches(X.shape[0])
    )
    weight[network.index[0][:-1][n_nonzero == 0]] = True
    return weight


def check_memory(network, mask, n_rows, plan):
    """Raise MemoryError if a round over the parameters in `mask` would take more than there is."""
    if plan.criterion != "obs":
        return
    keep = np.flatnonzero(mask & ~ghosts(network, mask))
    n_round = per_round(keep.size, plan.step)
    if plan.granularity != "weight":
        n_round = keep.size  # blocks are held whole
    size = extent(
        network,
        keep,
        kind=plan.curvature,
        n_rows=min(n_rows, plan.n_curvature_samples),
        n_remove=n_round,
        n_jobs=effective_n_jobs(plan.n_jobs),
    )
    chosen = structure_for(network, keep, plan)
    needed, there = STRUCTURES[chosen].needs(size), available_bytes()
    if needed <= there:
        return
    others = {
        name: structure.needs(size)
        for name, structure in STRUCTURES.items()
        if plan.curvature in structure.kinds
    }
    fitting = [
        f"structure={name!r} needs {readable(n_bytes)}"
        for name, n_bytes in others.items()
        if n_bytes <= there
    ]
    remedy = "; ".join(fitting) or "lower `n_curvature_samples`, or fit a smaller network"
    raise MemoryError(
        f"structure={chosen!r} needs {readable(needed)} for {size.n:,} weights and "
        f"{size.n_rows:,} rows, but {readable(there)} are available: {remedy}."
    )


def per_round(n_living, step):
    """How many of `n_living` weights a round removes: `step`, or that share, at least one."""
    return min(n_living, max(1, step if isinstance(step, Integral) else int(step * n_living)))
