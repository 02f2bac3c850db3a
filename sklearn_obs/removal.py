"""A round's removal: what costs nothing first, then what a criterion chooses; constants folded."""

from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.linalg import LinAlgError

from sklearn_obs.compaction import Orphans, fold_constants, ghosts
from sklearn_obs.criteria import CRITERIA, CURVATURE_CRITERIA, Case
from sklearn_obs.curvature import STRUCTURES, extent
from sklearn_obs.memory import available_bytes, readable
from sklearn_obs.network import row_batches
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


def remove(network, mask, unread, objective, n_round, plan, rng, movement=None):
    """One round of elimination: network, mask, removed flat indices, their saliencies.

    `movement`, of shape (n_parameters,), is what that criterion goes by.
    """
    may_go = prunable(network, plan.prune_intercepts) & mask
    free = np.flatnonzero(ghosts(network, mask) & may_go)
    if plan.criterion in CURVATURE_CRITERIA:
        free = np.concatenate([free, np.setdiff1d(np.flatnonzero(unread & may_go), free)])
    free = free[:n_round]
    theta, mask = network.theta.copy(), mask.copy()
    theta[free], mask[free] = 0, False
    network = network.with_theta(theta)
    removed, saliency = free, np.zeros(free.size)
    if free.size < n_round:
        keep = np.flatnonzero(mask & ~ghosts(network, mask))
        structure = structure_for(network, keep, plan)
        case = Case(
            measurement=measurement(network, objective, plan, rng),
            keep=keep,
            eligible=may_go[keep],
            penalty=objective.penalty,
            damping=plan.damping,
            structure=structure,
            n_jobs=plan.n_jobs,
            rng=rng,
            movement=None if movement is None else movement[keep],
        )
        orphans = Orphans(network, mask)
        position = np.zeros(theta.size, np.intp)
        position[keep] = np.arange(keep.size)
        try:
            chosen = CRITERIA[plan.criterion](
                case,
                n_round - free.size,
                lambda q: position[np.asarray(orphans(keep[q]), np.intp)],
            )
        except LinAlgError as error:
            raise LinAlgError(
                f"Surgery failed with damping={plan.damping}, structure={structure!r} and "
                f"curvature={plan.curvature!r}: {error}. Increase `damping`."
            ) from error
        theta[keep] = chosen.weights
        mask[keep[chosen.order]] = False
        removed = np.concatenate([free, keep[chosen.order]])
        saliency = np.concatenate([saliency, chosen.saliency])
    return fold_constants(network.with_theta(theta), mask), mask, removed, saliency


def never_read(network, X):
    """The weights of inputs that are 0 in every row, as bool of shape (n_parameters,)."""
    weight = np.zeros(network.n_parameters, bool)
    n_nonzero = sum(
        np.asarray((X[rows] != 0).sum(axis=0)).ravel() for rows in row_batches(X.shape[0])
    )
    weight[network.index[0][:-1][n_nonzero == 0]] = True
    return weight


def check_memory(network, mask, n_rows, n_remove, plan):
    """Raise MemoryError if a round over the parameters in `mask` would take more than there is."""
    if plan.criterion != "obs":
        return
    keep = np.flatnonzero(mask & ~ghosts(network, mask))
    n_round = min(n_remove, per_round(keep.size, plan.step))
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
    """How many of `n_living` weights a round removes: `step`, or that share of them."""
    return max(1, step if isinstance(step, Integral) else int(step * n_living))
