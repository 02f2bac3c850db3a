"""Fitted attributes: how a network and its mask are stored in an estimator.

*Attributes* are a dict from the names of fitted attributes to their values.
"""

import warnings
from contextlib import contextmanager
from copy import copy
from numbers import Number
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.no_importances import NoImportances
from sklearn_obs.estimators.versions import Versioned
from sklearn_obs.network import Network
from sklearn_obs.network.compaction import (
    dead_weights,
    inputs_read,
    prunable,
    remaining_units,
)

SEEN_IN_FIT = ("n_features_in_", "feature_names_in_")  # set by scikit-learn's `validate_data`
TRAINING_ATTRIBUTES = ("n_iter_", "loss_", "loss_curve_", "validation_scores_")


class FittedNetwork(Versioned):
    """The part of `PrunedMLP` that declares and stores the fitted attributes."""

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
    dense_coefs_: list[np.ndarray]
    dense_intercepts_: list[np.ndarray]
    loss_: float
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_iter_: int
    n_step_samples_: int | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    n_features_in_: int
    feature_names_in_: np.ndarray
    _importances: np.ndarray | None
    _initial_training: dict[str, Any]

    def _store(self, attributes: dict[str, Any], *, anew: bool = False) -> Self:
        """Store these attributes; if `anew`, delete those of an earlier fit first."""
        if anew:
            for name in [name for name in vars(self) if name.endswith("_")]:
                if name not in SEEN_IN_FIT and not name.startswith("_"):
                    delattr(self, name)
        for name, value in attributes.items():
            setattr(self, name, value)
        return self

    @property
    def feature_importances_(self) -> np.ndarray:
        """Estimated increase of the loss if each input were removed, of shape (n_features,).

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
            absent: Any = NoImportances(
                "feature_importances_ are computed from the Hessian after the last round of "
                "pruning, and are not available: there was no round, the Hessian could not be "
                "inverted, this network is a level of a path, or it has been quantized since. "
                "Prune to a higher `target_sparsity`, increase `damping`, or call "
                "`sklearn_obs.input_importances`."
            )
            return absent
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
    """The network in the fitted attributes, as a `Network` of the core."""
    return Network(
        tuple(attributes["coefs_"]),
        tuple(attributes["intercepts_"]),
        estimator.activation,
        attributes["out_activation_"],
    )


def dense_of(estimator, attributes) -> Network:
    """The network to be imitated: the dense one, or the current one if that is not stored."""
    if "dense_coefs_" not in attributes:
        return network_of(estimator, attributes)
    return Network(
        tuple(attributes["dense_coefs_"]),
        tuple(attributes["dense_intercepts_"]),
        estimator.activation,
        attributes["out_activation_"],
    )


def imitated(network):
    """The attributes that store a network as the one to be imitated."""
    return {
        "dense_coefs_": [W.copy() for W in network.coefs],
        "dense_intercepts_": [b.copy() for b in network.intercepts],
    }


def mask_of(attributes) -> np.ndarray:
    """Mask of the remaining parameters of a fitted network: bool of shape (n_parameters,)."""
    masks = (*attributes["masks_"], *attributes["intercept_masks_"])
    return np.concatenate([m.ravel() for m in masks])


def unpruned(estimator, mlp, n_samples=None):
    """The attributes for the unpruned network of scikit-learn's fitted estimator `mlp`.

    `n_samples` is the number of training samples, or None if it is not known.
    """
    network = Network(
        tuple(mlp.coefs_), tuple(mlp.intercepts_), mlp.activation, mlp.out_activation_
    )
    attributes = initial(estimator, mlp, network, np.ones(network.layout.n_parameters, bool))
    attributes |= {"n_step_samples_": _step_samples(mlp, n_samples)}
    return attributes | (imitated(network) if estimator.distillation else {})


def _step_samples(mlp, n_samples):
    """Number of samples in a step of the training; None for all, if their number is not known."""
    if mlp.solver == "lbfgs":
        return n_samples
    batch_size = 200 if mlp.batch_size == "auto" else mlp.batch_size
    n_iter, n_seen = getattr(mlp, "n_iter_", 0), getattr(mlp, "t_", 0)
    return int(min(batch_size, n_seen // n_iter) if n_iter and n_seen >= n_iter else batch_size)


@contextmanager
def unchanged_after_failure(estimator):
    """A context manager that restores the estimator's attributes after an exception."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def initial(estimator, source, network, mask):
    """The attributes, before any pruning, for a network taken from the fitted `source`."""
    attributes = {
        name: _without_numpy(getattr(source, name))
        for name in TRAINING_ATTRIBUTES
        if hasattr(source, name)
    }
    attributes["_initial_training"] = training = initial_training_of(source)
    for name in ("loss_curve_", "validation_scores_"):  # share the list, so it is stored once
        if name in training:
            attributes[name] = training[name]
    for name in ("n_layers_", "n_outputs_", "out_activation_", "classes_", "n_step_samples_"):
        if hasattr(source, name):
            attributes[name] = copy(getattr(source, name))
    integers = ("n_weights", "epochs", "removed", "round", "regrown", "regrown_round")
    path = {name: np.empty(0, np.intp) for name in integers}
    numbers = ("predicted_loss", "pruned_loss", "loss", "label_loss", "saliency")
    path |= {name: np.empty(0) for name in numbers}
    attributes |= described(estimator, network, mask) | recorded(path)
    return attributes | {"_importances": None}


def initial_training_of(mlp):
    """A dict of the attributes in which scikit-learn's fitted `mlp` describes its training.

    These are all attributes that are numbers, None or lists of numbers, except shapes: losses,
    scores and counts, including those that it needs to continue training. If `mlp` is one of our
    estimators, they are those of its initial training.
    """
    if hasattr(mlp, "_initial_training"):
        return {name: copy(value) for name, value in mlp._initial_training.items()}
    others = {*mlp.get_params(deep=False), "n_layers_", "n_outputs_", "n_features_in_"}
    return {
        name: _without_numpy(value)
        for name, value in vars(mlp).items()
        if name not in others and _is_plain(value)
    }


def _is_plain(value):
    """Whether the value is a number, None or a list of numbers."""
    if isinstance(value, list):
        return all(isinstance(number, Number) for number in value)
    return value is None or isinstance(value, Number)


def _without_numpy(value):
    """A list of NumPy numbers as a list of Python floats, a tenth of its size in a pickle."""
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
    """The attributes in which a path is stored."""
    return {"pruning_path_": path, "n_rounds_": len(path["loss"])}


def extended(path, rounds, removable):
    """The `pruning_path_` with these rounds added at its end."""
    new = {
        "n_weights": np.zeros(len(rounds)),
        "predicted_loss": [r.predicted_loss for r in rounds],
        "pruned_loss": [r.pruned_loss for r in rounds],
        "loss": [r.loss for r in rounds],
        "label_loss": [r.label_loss for r in rounds],
        "epochs": [r.epochs for r in rounds],
        "removed": np.concatenate([r.removed for r in rounds]),
        "saliency": np.concatenate([r.saliency for r in rounds]),
        "round": np.repeat([r.number for r in rounds], [r.removed.size for r in rounds]),
        "regrown": np.concatenate([r.regrown for r in rounds]),
        "regrown_round": np.repeat([r.number for r in rounds], [r.regrown.size for r in rounds]),
    }
    path = {
        name: np.concatenate([old, np.asarray(new[name], old.dtype)]) for name, old in path.items()
    }
    return path | {"n_weights": _n_weights(path, rounds[-1].mask, removable)}


def _n_weights(path, mask, removable):
    """Number of prunable weights that remained after each round, counted back from the last one.

    All rounds are counted with the current `prune_intercepts`, even if it was changed in between.
    """
    n_rounds = len(path["loss"])
    removed = np.bincount(path["round"] - 1, removable[path["removed"]], n_rounds)
    regrown = np.bincount(path["regrown_round"] - 1, removable[path["regrown"]], n_rounds)
    later = np.cumsum((removed - regrown)[::-1])[::-1] - (removed - regrown)
    return np.count_nonzero(mask & removable) + later.astype(np.intp)
