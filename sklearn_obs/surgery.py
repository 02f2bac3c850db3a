"""Surgery: rounds of curvature, elimination, retraining, until enough weights are gone.

    while weights are to be removed:
        ghosts and weights that no row reads go first, for free
        a criterion removes a round's share of the living, the others repair
        constants are folded, ghosts set to 0
        the survivors are retrained
        the round is recorded

All of it on plain arrays; the randomness of round r comes from (seed, r) alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.linalg import LinAlgError

from sklearn_obs.compaction import Orphans, fold_constants, ghosts
from sklearn_obs.criteria import CRITERIA, CURVATURE_CRITERIA, Case
from sklearn_obs.curvature import STRUCTURES, Measurement, extent, targets
from sklearn_obs.memory import available_bytes, readable
from sklearn_obs.network import Network, loss, row_batches
from sklearn_obs.threads import blas_threads_for
from sklearn_obs.training import Retrained, adam, lbfgs

# Below this many rows a full pass is a better step than a pass of mini-batches (docs/defaults.md)
LBFGS_ROWS = 2_000


@dataclass(frozen=True)
class Plan:
    """How to operate: the surgical parameters of the estimators, which document them."""

    criterion: str
    structure: str
    curvature: str
    damping: float
    step: float
    prune_intercepts: bool
    n_curvature_samples: int
    retrain_epochs: int | None
    retrain_solver: str
    max_iter: int
    tol: float
    adam: dict  # batch_size, learning_rate, beta_1, beta_2, epsilon, n_iter_no_change
    n_jobs: int | None
    batch_bytes: int


@dataclass(frozen=True)
class Round:
    """The network after a round, and what happened in it."""

    number: int
    network: Network
    mask: np.ndarray  # (n_parameters,) bool, what still lives
    removed: np.ndarray  # (n_removed,) flat indices in the order of removal
    saliency: np.ndarray  # (n_removed,) predicted increase of the loss
    predicted_loss: float  # the loss before the round and the sum of the saliencies
    pruned_loss: float  # measured before retraining
    loss: float  # and after
    epochs: int  # passes over the data in retraining
    converged: bool


def prunable(network, prune_intercepts):
    """The parameters that may go: bool of shape (n_parameters,)."""
    return np.arange(network.n_parameters) < (
        network.n_parameters if prune_intercepts else network.n_coefs
    )


def operate(network, mask, objective, n_remove, plan, *, seed, first_round=1) -> Iterator[Round]:
    """Remove `n_remove` weights in rounds; yields each finished round.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        What lives at the start.
    objective : Objective
        What the dense network was trained on.
    n_remove : int
    plan : Plan
    seed : int
    first_round : int, default=1

    Yields
    ------
    Round

    Raises
    ------
    MemoryError
        If the first round, the largest, would take more than there is.
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping.
    """
    may_go = prunable(network, plan.prune_intercepts)
    unread = never_read(network, objective.X)
    check_memory(network, mask & ~unread, objective.X.shape[0], n_remove, plan)
    before = loss(network, objective)
    number = first_round
    while n_remove > 0:
        n_round = min(n_remove, _per_round(np.count_nonzero(mask & may_go), plan.step))
        rng = np.random.default_rng([seed, number])
        network, mask, removed, saliency = _remove(
            network, mask, unread, objective, n_round, plan, rng
        )
        with blas_threads_for(2 * objective.X.shape[0] * network.n_coefs):
            pruned_loss = loss(network, objective)
            retrained = _retrain(network, mask, objective, plan, rng)
            after = pruned_loss
            if retrained.epochs:
                network, after = retrained.network, loss(retrained.network, objective)
        yield Round(
            number=number,
            network=network,
            mask=mask,
            removed=removed,
            saliency=saliency,
            predicted_loss=before + saliency.sum(),
            pruned_loss=pruned_loss,
            loss=after,
            epochs=retrained.epochs,
            converged=retrained.converged,
        )
        n_remove, number, before = n_remove - n_round, number + 1, after


def _per_round(n_living, step):
    return max(1, step if isinstance(step, Integral) else int(step * n_living))


def check_memory(network, mask, n_rows, n_remove, plan):
    """Raise MemoryError if a round over the parameters in `mask` would take more than there is."""
    if plan.criterion != "obs":
        return
    keep = np.flatnonzero(mask & ~ghosts(network, mask))
    n_round = min(n_remove, _per_round(keep.size, plan.step))
    size = extent(
        network,
        keep,
        kind=plan.curvature,
        n_rows=min(n_rows, plan.n_curvature_samples),
        n_remove=n_round,
        n_jobs=effective_n_jobs(plan.n_jobs),
    )
    needed, there = STRUCTURES[plan.structure].needs(size), available_bytes()
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
        f"structure={plan.structure!r} needs {readable(needed)} for {size.n:,} weights and "
        f"{size.n_rows:,} rows, but {readable(there)} are available: {remedy}."
    )


def _remove(network, mask, unread, objective, n_round, plan, rng):
    """One round of elimination: network, mask, removed flat indices, their saliencies."""
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
        case = Case(
            measurement=_measurement(network, objective, plan, rng),
            keep=keep,
            eligible=may_go[keep],
            penalty=objective.penalty,
            damping=plan.damping,
            structure=plan.structure,
            n_jobs=plan.n_jobs,
            rng=rng,
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
                f"Surgery failed with damping={plan.damping}, structure={plan.structure!r} and "
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


def _measurement(network, objective, plan, rng):
    """Where a round measures curvature: rows drawn afresh, all of them where there are fewer."""
    X, y, row_weight = objective.X, objective.y, objective.row_weight
    if X.shape[0] > plan.n_curvature_samples:
        rows = _stratified(network, y, plan.n_curvature_samples, rng)
        X, y, row_weight = X[rows], y[rows], row_weight[rows] / row_weight[rows].sum()
    y = targets(plan.curvature, network, X, y, rng)
    return Measurement(
        network, X, y, row_weight, plan.curvature, plan.batch_bytes, n_jobs=plan.n_jobs
    )


def _stratified(network, y, n_samples, rng):
    """`n_samples` of the rows, without replacement: of each class its share, to within one row.

    Rows in random order, sorted by class, of which every (n / n_samples)-th is taken. Label sets
    and regressions have no classes.
    """
    rows = rng.permutation(len(y))
    if network.out_activation == "softmax":
        rows = rows[np.argsort(y.argmax(axis=1)[rows], kind="stable")]
    elif network.out_activation == "logistic" and y.shape[1] == 1:
        rows = rows[np.argsort(y[rows, 0], kind="stable")]
    every = (np.arange(n_samples) + rng.random()) * (len(y) / n_samples)
    return np.sort(rows[every.astype(np.intp)])


def _retrain(network, mask, objective, plan, rng):
    epochs = plan.max_iter if plan.retrain_epochs is None else plan.retrain_epochs
    free = mask & ~ghosts(network, mask)
    if epochs == 0 or not free.any():
        return Retrained(network, 0, True)
    solver = plan.retrain_solver
    if solver == "auto":
        solver = "lbfgs" if objective.X.shape[0] <= LBFGS_ROWS else "adam"
    if solver == "lbfgs":
        return lbfgs(network, free, objective, epochs=epochs, tol=plan.tol)
    return adam(network, free, objective, epochs=epochs, tol=plan.tol, rng=rng, **plan.adam)
