"""Fitted attributes and the core: a network and a mask in, `coefs_`, `masks_` and the rest out.

*Attributes* are a dict of fitted attributes, by their names.
"""

from copy import copy

import numpy as np

from sklearn_obs.network import Network
from sklearn_obs.network.compaction import (
    dead_weights,
    inputs_read,
    prunable,
    remaining_units,
)

TRAINING_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")


def network_of(estimator, attributes) -> Network:
    """The core's view of a fitted network."""
    return Network(
        tuple(attributes["coefs_"]),
        tuple(attributes["intercepts_"]),
        estimator.activation,
        attributes["out_activation_"],
    )


def mask_of(attributes) -> np.ndarray:
    """What remains of a fitted network, bool of shape (n_parameters,)."""
    masks = (*attributes["masks_"], *attributes["intercept_masks_"])
    return np.concatenate([m.ravel() for m in masks])


def unpruned(estimator, mlp):
    """The attributes of a network as scikit-learn's fitted estimator `mlp` holds it."""
    network = Network(
        tuple(mlp.coefs_), tuple(mlp.intercepts_), mlp.activation, mlp.out_activation_
    )
    return initial(estimator, mlp, network, np.ones(network.layout.n_parameters, bool))


def initial(estimator, source, network, mask):
    """The attributes before any pruning of a network that comes from the fitted `source`."""
    attributes = {
        name: _without_numpy(getattr(source, name))
        for name in TRAINING_ATTRIBUTES
        if hasattr(source, name)
    }
    for name in ("n_layers_", "n_outputs_", "out_activation_", "classes_"):
        if hasattr(source, name):
            attributes[name] = copy(getattr(source, name))
    integers = ("n_weights", "epochs", "removed", "round", "regrown", "regrown_round")
    path = {name: np.empty(0, np.intp) for name in integers}
    path |= {name: np.empty(0) for name in ("predicted_loss", "pruned_loss", "loss", "saliency")}
    attributes |= described(estimator, network, mask) | recorded(path)
    return attributes | {"_importances": None}


def _without_numpy(value):
    """scikit-learn's lists of NumPy numbers as lists of Python's: a tenth of the size in files."""
    return [float(number) for number in value] if isinstance(value, list) else copy(value)


def described(estimator, network, mask):
    """The attributes that follow from a network and its mask."""
    layout = network.layout
    removable = prunable(layout, estimator.prune_intercepts)
    n_prunable, n_weights = np.count_nonzero(removable), np.count_nonzero(removable & mask)
    masks, intercept_masks = layout.split(mask)
    return {
        "coefs_": [W.copy() for W in network.coefs],
        "intercepts_": [b.copy() for b in network.intercepts],
        "masks_": [m.copy() for m in masks],
        "intercept_masks_": [m.copy() for m in intercept_masks],
        "sparsity_": float(1 - n_weights / n_prunable),
        "n_weights_": int(n_weights),
        "n_dead_weights_": int(np.count_nonzero(dead_weights(layout, mask) & removable)),
        "inputs_": inputs_read(layout, mask),
        "units_": remaining_units(layout, mask),
    }


def recorded(path):
    """The attributes that a path is kept in."""
    return {"pruning_path_": path, "n_rounds_": len(path["loss"])}


def extended(path, rounds, removable):
    """`pruning_path_` with further rounds."""
    new = {
        "n_weights": [np.count_nonzero(r.mask & removable) for r in rounds],
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
