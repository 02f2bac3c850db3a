"""How to operate, and what follows from it: where curvature is measured, how survivors retrain."""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.compaction import ghosts
from sklearn_obs.curvature import KINDS, Measurement, targets
from sklearn_obs.newton import newton
from sklearn_obs.training import Retrained, adam, lbfgs

# Below this many rows a full pass is a better step than a pass of mini-batches (docs/defaults.md)
LBFGS_ROWS = 2_000
# From so many survivors and passes a round on, curvature earns its passes (docs/defaults.md)
NEWTON_SURVIVORS, NEWTON_EPOCHS = 100, 40


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
    max_loss_increase: float | None
    n_swaps: int
    granularity: str
    max_iter: int
    tol: float
    adam: dict  # batch_size, learning_rate, beta_1, beta_2, epsilon, n_iter_no_change
    n_jobs: int | None
    batch_bytes: int


def measurement(network, objective, plan, rng, kinds=tuple(KINDS)):
    """Where a round measures curvature: rows drawn afresh, all of them where there are fewer.

    Of the plan's kind, or Gauss-Newton's where that is none of `kinds`.
    """
    kind = plan.curvature if plan.curvature in kinds else "ggn"
    X, y, row_weight = objective.X, objective.y, objective.row_weight
    if X.shape[0] > plan.n_curvature_samples:
        rows = _stratified(network, y, plan.n_curvature_samples, rng)
        X, y, row_weight = X[rows], y[rows], row_weight[rows] / row_weight[rows].sum()
    y = targets(kind, network, X, y, rng)
    return Measurement(network, X, y, row_weight, kind, plan.batch_bytes, n_jobs=plan.n_jobs)


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


def solver_for(n_survivors, n_rows, epochs, plan):
    """The plan's solver; of "auto", the one that lowers the loss most in so many passes."""
    if plan.retrain_solver != "auto":
        return plan.retrain_solver
    if n_rows > LBFGS_ROWS:
        return "adam"
    enough = n_survivors >= NEWTON_SURVIVORS and epochs >= NEWTON_EPOCHS
    return "newton" if enough else "lbfgs"


def retrain(network, mask, objective, plan, rng, *, epochs=None, watch=None):
    """The survivors, trained as the plan says: a `Retrained`.

    `epochs` stands in for the plan's number of passes; `watch` sees each gradient (see `training`).
    """
    if epochs is None:
        epochs = plan.max_iter if plan.retrain_epochs is None else plan.retrain_epochs
    free = mask & ~ghosts(network, mask)
    if epochs == 0 or not free.any():
        return Retrained(network, 0, True)
    solver = solver_for(np.count_nonzero(free), objective.X.shape[0], epochs, plan)
    options = {"epochs": epochs, "tol": plan.tol}
    if watch is not None:
        options["watch"] = lambda x, g: watch(free, x, g)
    if solver == "newton":
        options |= {"damping": plan.damping, "batch_bytes": plan.batch_bytes}
        return newton(
            network,
            free,
            objective,
            lambda here: measurement(here, objective, plan, rng, kinds=("ggn",)),
            **options,
        )
    if solver == "lbfgs":
        return lbfgs(network, free, objective, **options)
    return adam(network, free, objective, rng=rng, **options, **plan.adam)
