"""Conversion to other forms of the same network: scikit-learn's own, and one that is compacted."""

from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.attributes import (
    TRAINING_ATTRIBUTES,
    FittedNetwork,
    initial,
    mask_of,
    network_of,
    unpruned,
)
from sklearn_obs.estimators.parameters import TRAINING_PARAMETERS, check_parameters
from sklearn_obs.network.compaction import compacted


class Conversion(FittedNetwork, BaseEstimator):
    """The part of `PrunedMLP` that takes in and hands out whole networks."""

    _dense_class: type  # scikit-learn's

    def _shell_targets(self) -> dict[str, Any]:
        """The targets of one sample, as `partial_fit` takes them."""
        raise NotImplementedError

    @classmethod
    def from_sklearn(cls, mlp: MLPClassifier | MLPRegressor, **parameters) -> Self:
        """An estimator that holds the network of a fitted one of scikit-learn, unpruned.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted. It is not changed.
        **parameters
            Parameters of the new estimator's pruning; those of its initial training are taken from
            `mlp`, and may be set as well, but for `hidden_layer_sizes` and `activation`.

        Returns
        -------
        object
            Fitted, of sparsity 0; call `prune` next.

        Raises
        ------
        TypeError
            If `mlp` is of another class.
        ValueError
            If its loss is Poisson's, or `parameters` hold a layer's size or activation.
        sklearn.exceptions.NotFittedError
            If it is not fitted.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> mlp = MLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0).fit(scale(X), y)
        >>> clf = OBSPrunedMLPClassifier.from_sklearn(mlp, damping=0.1)
        >>> clf.prune(scale(X), y, target_sparsity=0.6).n_weights_
        14
        """
        _check_source(mlp, cls._dense_class)
        for name in ("hidden_layer_sizes", "activation"):
            if name in parameters:
                raise ValueError(
                    f"Got {name}={parameters[name]!r}, but it comes from the network, which has "
                    f"{name}={getattr(mlp, name)!r}."
                )
        new = cls(**{name: getattr(mlp, name) for name in TRAINING_PARAMETERS})
        new.set_params(**parameters)
        check_parameters(new)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(mlp, name):
                setattr(new, name, getattr(mlp, name))
        return new._store(unpruned(new, mlp))

    def to_sklearn(self) -> MLPClassifier | MLPRegressor:
        """The network as a plain fitted `MLPClassifier` or `MLPRegressor`, zeros included.

        Returns
        -------
        MLPClassifier or MLPRegressor
            Predicts the same, and needs nothing of this library.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> mlp = clf.to_sklearn()
        >>> type(mlp).__name__, sum(int((W != 0).sum()) for W in mlp.coefs_)
        ('MLPClassifier', 14)
        """
        check_is_fitted(self)
        return _as_mlp(self, self._dense_class, self._shell_targets())

    def compact(self, *, drop_inputs: bool = False) -> Self:
        """The same predictions by a smaller network: without the units that carry nothing.

        Units whose value reaches no output, or that have no input left, are left out; what constant
        ones contributed is folded into the next intercepts. A layer keeps one unit at least.

        Parameters
        ----------
        drop_inputs : bool, default=False
            Whether the new estimator takes only the columns that are still read, `inputs_` of this
            one (the first column if none is), with their names.

        Returns
        -------
        object
            A fitted estimator of the same class, whose `hidden_layer_sizes` are the new ones. Its
            `sparsity_` and masks are of its own, smaller network, and its `pruning_path_` is empty;
            `prune` goes on from there.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0).fit(scale(X), y)
        >>> small = clf.compact(drop_inputs=True)
        >>> small.n_weights_ == clf.n_weights_, small.n_features_in_ == len(clf.inputs_)
        (True, True)
        >>> (small.predict(scale(X)[:, clf.inputs_]) == clf.predict(scale(X))).all()
        np.True_
        """
        check_is_fitted(self)
        attributes = vars(self)
        network, mask, kept = compacted(
            network_of(self, attributes), mask_of(attributes), drop_inputs
        )
        inputs, *hidden, _ = kept
        new = clone(self).set_params(hidden_layer_sizes=tuple(len(units) for units in hidden))
        new.n_features_in_ = len(inputs)
        if hasattr(self, "feature_names_in_"):
            new.feature_names_in_ = self.feature_names_in_[inputs]
        importances = None if self._importances is None else self._importances[inputs]
        return new._store(initial(new, self, network, mask) | {"_importances": importances})


def _check_source(mlp, dense_class):
    """Raise unless `mlp` is a fitted `dense_class` with a loss that can be pruned."""
    if not isinstance(mlp, dense_class):
        raise TypeError(
            f"Got a {type(mlp).__name__}, but expected a fitted {dense_class.__name__}."
        )
    if getattr(mlp, "loss", None) == "poisson":
        raise ValueError(
            "Got loss='poisson', but only networks of loss='squared_error' can be pruned."
        )
    check_is_fitted(mlp)


def _as_mlp(estimator, dense_class, targets):
    """A fitted `dense_class` with the estimator's network; `targets` are one sample's."""
    # a step of training lays out all that scikit-learn keeps, then it is overwritten
    solver = "adam" if estimator.solver == "lbfgs" else estimator.solver  # lbfgs takes no steps
    shell = dense_class(
        hidden_layer_sizes=estimator.hidden_layer_sizes, solver=solver, random_state=0
    )
    zeros = np.zeros((1, estimator.n_features_in_), estimator.coefs_[0].dtype)
    shell.partial_fit(zeros, **targets)
    shell.set_params(**{name: getattr(estimator, name) for name in TRAINING_PARAMETERS})
    shell.coefs_ = [W.copy() for W in estimator.coefs_]
    shell.intercepts_ = [b.copy() for b in estimator.intercepts_]
    for name in (*TRAINING_ATTRIBUTES, "feature_names_in_"):
        if hasattr(estimator, name):
            setattr(shell, name, copy(getattr(estimator, name)))
    return shell
