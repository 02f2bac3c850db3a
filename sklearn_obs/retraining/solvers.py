"""Which solver retrains the remaining weights, and for how many epochs."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.curvature import measure
from sklearn_obs.network import Network, Objective
from sklearn_obs.network.compaction import Part, dead_weights
from sklearn_obs.plan import Plan
from sklearn_obs.retraining.adam import adam
from sklearn_obs.retraining.lbfgs import lbfgs
from sklearn_obs.retraining.newton import newton
from sklearn_obs.retraining.outcome import Retrained

# Up to this many samples, steps with all of them do better than mini-batches (docs/defaults.md)
LBFGS_SAMPLES = 5_000
# From this many remaining weights and epochs in a round on, Newton's method is worth its extra
# epochs for products and preconditioners (docs/defaults.md)
NEWTON_WEIGHTS, NEWTON_EPOCHS = 100, 40
# A step of lbfgs that lowers the loss by less than this share of `tol` is the last of a round: more
# steps would take time, and amplify rounding if there are few samples
LEAST_DECREASE = 0.5


def solver_for(n_trainable: int, n_samples: int, epochs: int, plan: Plan) -> str:
    """The plan's solver; for "auto", the one that lowers the loss most in `epochs` epochs."""
    if plan.retrain_solver != "auto":
        return plan.retrain_solver
    if n_samples > LBFGS_SAMPLES:
        return "adam"
    enough = n_trainable >= NEWTON_WEIGHTS and epochs >= NEWTON_EPOCHS
    return "newton" if enough else "lbfgs"


def retrain(
    network: Network,
    mask: np.ndarray,
    objective: Objective,
    plan: Plan,
    rng: np.random.Generator,
    *,
    epochs: int | None = None,
    watch: Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None = None,
) -> Retrained:
    """Train the remaining weights, those in `mask`, as the plan says.

    Parameters
    ----------
    network : Network
    mask : ndarray of shape (n_parameters,), bool
        The remaining weights. Dead ones are not trained: they have no gradient and stay 0.
    objective : Objective
    plan : Plan
    rng : numpy.random.Generator
    epochs : int, default=None
        Replaces the plan's number of epochs.
    watch : callable, default=None
        Called with the mask of the trained parameters, their values and their gradient, whenever a
        gradient is computed.

    Returns
    -------
    Retrained
    """
    if epochs is None:
        epochs = plan.max_iter if plan.retrain_epochs is None else plan.retrain_epochs
    trainable = mask & ~dead_weights(network.layout, mask)
    if epochs == 0 or not trainable.any():
        return Retrained(network, 0, True)
    part = Part.of(network, mask)  # removed units would be computed for nothing
    done = _retrained(
        part.network,
        trainable[part.index],
        replace(objective, X=part.samples(objective.X)),
        plan,
        rng,
        epochs,
        None if watch is None else partial(watch, trainable),
    )
    return replace(done, network=part.put_back(done.network))


def _retrained(network, trainable, objective, plan, rng, epochs, watch):
    solver = solver_for(int(np.count_nonzero(trainable)), objective.n_samples, epochs, plan)
    options: dict[str, Any] = {"epochs": epochs, "tol": plan.tol}
    if watch is not None:
        options["watch"] = watch
    if solver == "newton":
        options |= {"damping": plan.damping, "batch_bytes": plan.batch_bytes}
        try:
            return newton(
                network,
                trainable,
                objective,
                lambda here: measure(here, objective, plan, rng, kinds=("ggn",)),
                **options,
            )
        except LinAlgError as error:
            raise LinAlgError(
                f"Retraining with retrain_solver='newton' failed with damping={plan.damping}: "
                f"{error}. Increase `damping`, or set retrain_solver='lbfgs'."
            ) from error
    if solver == "lbfgs":
        # much like `tol` of scikit-learn's adam and sgd, unless the minimum itself is wanted
        least = 0.0 if plan.retrain_epochs is None else LEAST_DECREASE * plan.tol
        return lbfgs(network, trainable, objective, least_decrease=least, **options)
    return adam(network, trainable, objective, rng=rng, settings=plan.adam, **options)
