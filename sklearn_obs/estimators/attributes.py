"""Fitted attributes: what an estimator holds of a network and its mask, and how it gets there.

*Attributes* are a dict of fitted attributes, by their names.
"""

import warnings
from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.network import Network
from sklearn_obs.network.compaction import (
    dead_weights,
    inputs_read,
    prunable,
    remaining_units,
)

TRAINING_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")


class FittedNetwork:
    """The part of `PrunedMLP` that says what a fitted one holds."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    masks_: list[np.ndarray]
    intercept_masks_: list[np.ndarray]
    sparsity_: float
    n_weights_: int
    n_dead_weights_: int
    inputs_: np.ndarray
    units_: list[np.ndarray]
    pruning_path_: dict[str, np.ndarray]
    n_rounds_: int
    loss_: float
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_iter_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    n_features_in_: int
    feature_names_in_: np.ndarray
    _importances: np.ndarray | None

    def _store(self, attributes: dict[str, Any]) -> Self:
        for name, value in attributes.items():
            setattr(self, name, value)
        return self

    @property
    def feature_importances_(self) -> np.ndarray:
        """What the loss would rise by without each input: shape (n_features,).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.feature_importances_.shape
        (4,)
        >>> bool((clf.feature_importances_[clf.inputs_] > 0).all())
        True
        """
        check_is_fitted(self)
        if self._importances is None:
            raise AttributeError(
                "feature_importances_ come from the curvature of the last round of pruning, and "
                "there was none, or it could not be inverted: prune, or increase `damping`."
            )
        return self._importances

    @property
    def n_ghosts_(self) -> int:
        """The old name of `n_dead_weights_`.

        Examples
        --------
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> OBSPrunedMLPClassifier.n_ghosts_.__doc__.splitlines()[0]
        'The old name of `n_dead_weights_`.'
        """
        warnings.warn(
            "`n_ghosts_` is now called `n_dead_weights_`; the old name will be removed in version "
            "0.3.",
            FutureWarning,
            stacklevel=2,
        )
        return self.n_dead_weights_


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
