"""Fitted attributes and the core: a network and a mask in, `coefs_`, `masks_` and the rest out.

A *state* is a dict of fitted attributes. Surgery reads one and returns the attributes that change,
so that an estimator stores all of them or, after an error, none.
"""

import itertools
import warnings
from copy import copy
from numbers import Integral

import numpy as np
from scipy.linalg import LinAlgError
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_obs.compaction import ghosts, inputs_read, units_alive
from sklearn_obs.network import Network, mean_objective
from sklearn_obs.plan import Plan
from sklearn_obs.removal import check_memory, check_reach, importances, never_read, prunable
from sklearn_obs.surgery import operate

DENSE_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")


def network_of(estimator, state):
    """The core's view of a fitted network."""
    return Network(
        tuple(state["coefs_"]),
        tuple(state["intercepts_"]),
        estimator.activation,
        state["out_activation_"],
    )


def unpruned(estimator, dense):
    """The state of a network as scikit-learn's fitted estimator `dense` holds it."""
    state = {name: copy(getattr(dense, name)) for name in DENSE_ATTRIBUTES if hasattr(dense, name)}
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_"):
        state[name] = getattr(dense, name)
    if hasattr(dense, "classes_"):
        state["classes_"] = dense.classes_
    integers = ("n_weights", "epochs", "removed", "round", "regrown", "regrown_round")
    path = {name: np.empty(0, np.intp) for name in integers}
    path |= {name: np.empty(0) for name in ("predicted_loss", "pruned_loss", "loss", "saliency")}
    network = network_of(estimator, state)
    everything = np.ones(network.n_parameters, bool)
    state |= _described(estimator, network, everything) | _recorded(path)
    return state | {"_importances": None}


def check_fits(estimator, X, n_outputs):
    """Raise MemoryError, before the dense stage, if surgery would need more than there is."""
    hidden = np.atleast_1d(np.asarray(estimator.hidden_layer_sizes, dtype=object)).tolist()
    if not estimator.target_sparsity or not all(isinstance(n, Integral) and n > 0 for n in hidden):
        return  # no surgery, or scikit-learn's to refuse
    units = (X.shape[1], *hidden, n_outputs)
    network = Network(
        tuple(np.zeros(shape, X.dtype) for shape in itertools.pairwise(units)),
        tuple(np.zeros(n, X.dtype) for n in units[1:]),
        estimator.activation,
        "identity",
    )
    plan = _plan(estimator)
    n_prunable = np.count_nonzero(prunable(network, plan.prune_intercepts))
    n_remove = round(estimator.target_sparsity * n_prunable)
    check_reach(network, n_prunable - n_remove, plan)
    check_memory(network, ~never_read(network, X), X.shape[0], n_remove, plan)


def operated(estimator, state, X, y, sample_weight, target_sparsity):
    """The attributes that change by surgery on the network in `state`, to `target_sparsity`."""
    network = network_of(estimator, state)
    mask = np.concatenate([m.ravel() for m in (*state["masks_"], *state["intercept_masks_"])])
    may_go, plan = prunable(network, estimator.prune_intercepts), _plan(estimator)
    n_left = np.count_nonzero(may_go) - round(target_sparsity * int(np.count_nonzero(may_go)))
    n_remove = int(np.count_nonzero(may_go & mask)) - n_left
    if n_remove < 0:
        raise ValueError(
            f"Got target_sparsity={target_sparsity}, but the network has a sparsity of "
            f"{state['sparsity_']:.4g} already and removed weights do not come back. Expected at "
            "least that; fit again for a lower sparsity."
        )
    if n_remove == 0:
        return {}
    if mask.all():
        check_reach(network, n_left, plan)
    path, objective = state["pruning_path_"], objective_of(estimator, X, y, sample_weight)
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    first = len(path["loss"]) + 1
    rounds = operate(network, mask, objective, n_remove, plan, seed=seed, first_round=first)
    finished = _finished(rounds, may_go, estimator.verbose)
    if not finished:
        return {}
    n_failed = sum(not r.converged for r in finished)
    if estimator.retrain_epochs is None and n_failed:
        warnings.warn(
            f"Retraining did not converge in {n_failed} of {len(finished)} rounds. Increase "
            f"`max_iter` (now {estimator.max_iter}), or set `retrain_epochs`.",
            ConvergenceWarning,
            stacklevel=3,
        )
    last = finished[-1]
    return {
        "loss_": last.loss,
        **_described(estimator, last.network, last.mask),
        **_recorded(_extended(path, finished, may_go)),
        "_importances": _importances(last, objective, plan, seed),
    }


def _importances(last, objective, plan, seed):
    """Of the inputs after the last round; None where the curvature cannot be inverted any more."""
    rng = np.random.default_rng([seed, last.number + 1])
    unread = never_read(last.network, objective.X)
    try:
        return importances(last.network, last.mask, unread, objective, plan, rng)
    except LinAlgError:
        return None


def _finished(rounds, may_go, verbose):
    """All rounds, or those that Ctrl-C leaves."""
    finished = []
    try:
        for r in rounds:
            finished.append(r)
            if verbose:
                n_weights = np.count_nonzero(r.mask & may_go)
                print(f"Round {r.number}, weights = {n_weights}, loss = {r.loss:.8f}")
    except KeyboardInterrupt:
        warnings.warn(
            f"Surgery interrupted by user: the {len(finished)} finished rounds are kept, the "
            "target sparsity is not reached.",
            stacklevel=4,
        )
    return finished


def _described(estimator, network, mask):
    """The attributes that follow from a network and its mask."""
    may_go = prunable(network, estimator.prune_intercepts)
    n_prunable, n_weights = np.count_nonzero(may_go), np.count_nonzero(may_go & mask)
    masks, intercept_masks = network.split(mask)
    return {
        "coefs_": [W.copy() for W in network.coefs],
        "intercepts_": [b.copy() for b in network.intercepts],
        "masks_": [m.copy() for m in masks],
        "intercept_masks_": [m.copy() for m in intercept_masks],
        "sparsity_": float(1 - n_weights / n_prunable),
        "n_weights_": int(n_weights),
        "n_ghosts_": int(np.count_nonzero(ghosts(network, mask) & may_go)),
        "inputs_": inputs_read(network, mask),
        "units_": units_alive(network, mask),
    }


def _recorded(path):
    return {"pruning_path_": path, "n_rounds_": len(path["loss"])}


def _extended(path, rounds, may_go):
    """`pruning_path_` with further rounds."""
    new = {
        "n_weights": [np.count_nonzero(r.mask & may_go) for r in rounds],
        "predicted_loss": [r.predicted_loss for r in rounds],
        "pruned_loss": [r.pruned_loss for r in rounds],
        "loss": [r.loss for r in rounds],
        "epochs": [r.epochs for r in rounds],
        "removed": np.concatenate([r.removed for r in rounds]),
        "saliency": np.concatenate([r.saliency for r in rounds]),
        "round": np.repeat([r.number for r in rounds], [r.removed.size for r in rounds]),
        "regrown": np.concatenate([r.regrown for r in rounds]),
        "regrown_round": np.repeat([r.number for r in rounds], [r.regrown.size for r in rounds]),
    }
    return {
        name: np.concatenate([old, np.asarray(new[name], old.dtype)]) for name, old in path.items()
    }


def objective_of(estimator, X, y, sample_weight):
    """What the dense solver minimised: its penalty depends on the rows of one step."""
    n_rows = X.shape[0]
    batch_rows = n_rows
    if estimator.solver != "lbfgs":
        if estimator.early_stopping:
            batch_rows -= int(np.ceil(estimator.validation_fraction * n_rows))
        batch_rows = min(_batch_size(estimator), batch_rows)
    return mean_objective(
        X,
        y.astype(X.dtype),
        np.ones(n_rows) if sample_weight is None else sample_weight.astype(np.float64),
        alpha=estimator.alpha,
        batch_rows=batch_rows,
    )


def _plan(estimator):
    return Plan(
        criterion=estimator.criterion,
        structure=estimator.structure,
        curvature=estimator.curvature,
        damping=estimator.damping,
        step=estimator.step,
        prune_intercepts=estimator.prune_intercepts,
        n_curvature_samples=estimator.n_curvature_samples,
        retrain_epochs=estimator.retrain_epochs,
        retrain_solver=estimator.retrain_solver,
        max_loss_increase=estimator.max_loss_increase,
        n_swaps=estimator.n_swaps,
        granularity=estimator.granularity,
        max_iter=estimator.max_iter,
        tol=estimator.tol,
        adam={
            "batch_size": _batch_size(estimator),
            "learning_rate": estimator.learning_rate_init,
            "beta_1": estimator.beta_1,
            "beta_2": estimator.beta_2,
            "epsilon": estimator.epsilon,
            "n_iter_no_change": estimator.n_iter_no_change,
        },
        n_jobs=estimator.n_jobs,
        batch_bytes=int(get_config()["working_memory"] * 2**20),
    )


def _batch_size(estimator):
    return 200 if estimator.batch_size == "auto" else estimator.batch_size
