"""Fitted attributes and the core: a network and a mask in, `coefs_`, `masks_` and the rest out.

A *state* is a dict of fitted attributes. Surgery reads one and returns the attributes that change,
so that an estimator stores all of them or, after an error, none.
"""

from copy import copy

import numpy as np

from sklearn_obs.compaction import ghosts, inputs_read, units_alive
from sklearn_obs.network import Network
from sklearn_obs.removal import prunable

DENSE_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")


def network_of(estimator, state):
    """The core's view of a fitted network."""
    return Network(
        tuple(state["coefs_"]),
        tuple(state["intercepts_"]),
        estimator.activation,
        state["out_activation_"],
    )


def mask_of(state):
    """What lives of a fitted network, of shape (n_parameters,)."""
    return np.concatenate([m.ravel() for m in (*state["masks_"], *state["intercept_masks_"])])


def unpruned(estimator, dense):
    """The state of a network as scikit-learn's fitted estimator `dense` holds it."""
    network = Network(
        tuple(dense.coefs_), tuple(dense.intercepts_), dense.activation, dense.out_activation_
    )
    return begun(estimator, dense, network, np.ones(network.n_parameters, bool))


def begun(estimator, source, network, mask):
    """The state before any surgery of a network that comes from the fitted estimator `source`."""
    state = {
        name: _plain(getattr(source, name)) for name in DENSE_ATTRIBUTES if hasattr(source, name)
    }
    for name in ("n_layers_", "n_outputs_", "out_activation_", "classes_"):
        if hasattr(source, name):
            state[name] = copy(getattr(source, name))
    integers = ("n_weights", "epochs", "removed", "round", "regrown", "regrown_round")
    path = {name: np.empty(0, np.intp) for name in integers}
    path |= {name: np.empty(0) for name in ("predicted_loss", "pruned_loss", "loss", "saliency")}
    state |= described(estimator, network, mask) | recorded(path)
    return state | {"_importances": None}


def _plain(value):
    """scikit-learn's lists of NumPy numbers as lists of Python's: a tenth of the size in files."""
    return [float(number) for number in value] if isinstance(value, list) else copy(value)


def described(estimator, network, mask):
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


def recorded(path):
    """The attributes that a path is kept in."""
    return {"pruning_path_": path, "n_rounds_": len(path["loss"])}


def extended(path, rounds, may_go):
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
