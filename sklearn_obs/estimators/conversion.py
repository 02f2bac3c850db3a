"""Conversion of a network from and to scikit-learn's estimators, and to a compacted network."""

from copy import copy
from typing import Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.attributes import (
    TRAINING_ATTRIBUTES,
    FittedNetwork,
    described,
    initial,
    initial_training_of,
    mask_of,
    network_of,
    unpruned,
)
from sklearn_obs.estimators.parameters import TRAINING_PARAMETERS, check_parameters
from sklearn_obs.estimators.quantization import quantization_of
from sklearn_obs.estimators.variables import checked_labels
from sklearn_obs.network.compaction import compacted, fold_constants
from sklearn_obs.pruning.warned import warn

HISTORY = ("n_iter_", "t_", "loss_curve_", "validation_scores_")  # pruning does not change these


class Conversion(FittedNetwork, BaseEstimator):
    """The part of `PrunedMLP` that converts whole networks."""

    _dense_class: type  # scikit-learn's estimator for the initial training
    _training_parameters: tuple[str, ...] = TRAINING_PARAMETERS

    def _of_training(self) -> dict:
        """The parameters of the initial training."""
        return {name: getattr(self, name) for name in self._training_parameters}

    def _shell_targets(self) -> np.ndarray:
        """A small array of targets of the network's kind, with each of its classes once."""
        raise NotImplementedError

    @classmethod
    def from_sklearn(
        cls, mlp: MLPClassifier | MLPRegressor, *, keep_zeros: bool = False, **parameters
    ) -> Self:
        """Return an estimator with the network of a fitted estimator of scikit-learn.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            A fitted estimator. It is not changed.
        keep_zeros : bool, default=False
            Whether weights that are exactly 0 count as removed. Use it for a network that was
            pruned and returned by `to_sklearn`; its dead weights are 0 and then count as removed,
            too. Intercepts never count as removed. If False, the network counts as unpruned, and a
            warning tells how many of its weights are 0.
        **parameters
            Parameters of pruning for the new estimator. The parameters of the initial training are
            taken from `mlp`. They can be set here, too, except for `hidden_layer_sizes`,
            `activation` and `loss`.

        Returns
        -------
        object
            A fitted estimator. Its sparsity is 0 or, with `keep_zeros`, the share of zeros. To
            remove weights, call `prune`.

        Raises
        ------
        TypeError
            If `mlp` is of another class. Of a Pipeline, pass the last step.
        ValueError
            If `parameters` contain `hidden_layer_sizes`, `activation` or `loss`, or a value that is
            out of range.
        sklearn.exceptions.NotFittedError
            If `mlp` is not fitted.

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
        >>> again = OBSPrunedMLPClassifier.from_sklearn(clf.to_sklearn(), keep_zeros=True)
        >>> again.n_weights_ == clf.n_weights_ - clf.n_dead_weights_
        True
        """
        _check_source(mlp, cls)
        for name in ("hidden_layer_sizes", "activation", "loss"):
            if name in parameters and name in cls._training_parameters:
                raise ValueError(
                    f"Got {name}={parameters[name]!r}, but it comes from the network, which has "
                    f"{name}={getattr(mlp, name)!r}. Leave it out."
                )
        new = cls(**{name: getattr(mlp, name) for name in cls._training_parameters})
        new.set_params(**parameters)
        check_parameters(new)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(mlp, name):
                setattr(new, name, getattr(mlp, name))
        attributes = unpruned(new, mlp)
        if keep_zeros:
            left = np.concatenate(
                [(W != 0).ravel() for W in mlp.coefs_]
                + [np.ones(b.size, bool) for b in mlp.intercepts_]
            )
            # fold constant units into the next intercepts, so that dead weights are 0
            network = fold_constants(network_of(new, attributes), left)
            attributes |= described(new, network, left)
        else:
            _warn_of_zeros(mlp)
        return new._store(attributes)

    def to_sklearn(self) -> MLPClassifier | MLPRegressor:
        """Return the network as a plain fitted `MLPClassifier` or `MLPRegressor`.

        Returns
        -------
        MLPClassifier or MLPRegressor
            A fitted estimator that makes the same predictions without this library. Removed weights
            are 0. After ``set_params(warm_start=True)``, its `fit` continues the training like the
            dense network's; it changes removed weights, too. After pruning, the best loss or score
            of the dense network is not kept, because training would stop if it did not reach it.

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
        return _as_mlp(self)

    def compact(self, *, drop_inputs: bool = False) -> Self:
        """Return a smaller network that makes the same predictions.

        Units that do not affect the output, and units without inputs, are left out. A unit without
        inputs has a constant value, which becomes part of the intercepts of the next layer. Each
        layer keeps at least one unit.

        Parameters
        ----------
        drop_inputs : bool, default=False
            Whether the new estimator takes only the features that are still read, which are
            `inputs_` of this one (the first feature if none is read). Their names are kept.

        Returns
        -------
        object
            A fitted estimator of the same class with smaller `hidden_layer_sizes` and without a
            `teacher`. Its `sparsity_` and its masks describe the smaller network, and its
            `pruning_path_` is empty. `prune` can remove more of its weights.

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
        sizes = tuple(len(units) for units in hidden)
        new = clone(self).set_params(hidden_layer_sizes=sizes, teacher=None)
        new.n_features_in_ = len(inputs)
        if hasattr(self, "feature_names_in_"):
            new.feature_names_in_ = self.feature_names_in_[inputs]
        groups = self.input_groups
        if groups is not None and not callable(groups):
            labels = checked_labels(groups, self.n_features_in_, None)
            new.input_groups = [labels[i] for i in inputs]
        importances = None if self._importances is None else self._importances[inputs]
        attributes = initial(new, self, network, mask) | {"_importances": importances}
        attributes |= quantization_of(self, kept)
        return new._store(attributes | {"_initial_training": _training_of(self)})


def _check_source(mlp, cls):
    """Raise unless `mlp` is fitted and of the class from which `cls` can be made."""
    dense_class = cls._dense_class
    if not isinstance(mlp, dense_class):
        kind, expected = type(mlp).__name__, dense_class.__name__
        message = f"Got a {kind}, but expected a fitted {expected}."
        if isinstance(mlp, Pipeline):
            message += (
                " Pass the last step of the Pipeline, and to `prune` the features that the other "
                f"steps return:\n    pruned = {cls.__name__}.from_sklearn(pipeline[-1])\n"
                "    pruned.prune(pipeline[:-1].transform(X), y)"
            )
        elif hasattr(mlp, "best_estimator_"):
            message += f" Pass the `best_estimator_` of the search if it is a {expected}."
        elif isinstance(mlp, Conversion):
            message += " Call its own `prune`."
        raise TypeError(message)
    check_is_fitted(mlp)


def _warn_of_zeros(mlp):
    n_zeros = sum(int(np.count_nonzero(W == 0)) for W in mlp.coefs_)
    if n_zeros:
        warn(
            f"Got a network in which {n_zeros} weights are exactly 0. They count as remaining, and "
            "retraining may change them. If they have been removed, pass keep_zeros=True.",
        )


def _as_mlp(estimator):
    """scikit-learn's estimator with the network, fitted so that its training can continue."""
    shell = _shell(estimator)
    shell.set_params(**estimator._of_training() | _loss_of(estimator))
    # in place, because with early stopping the best network so far is stored in the same lists
    shell.coefs_[:] = [W.copy() for W in estimator.coefs_]
    shell.intercepts_[:] = [b.copy() for b in estimator.intercepts_]
    if hasattr(estimator, "feature_names_in_"):
        shell.feature_names_in_ = estimator.feature_names_in_.copy()
    for name, value in _training_of(estimator).items():
        setattr(shell, name, copy(value))
    return shell


def _shell(estimator):
    """scikit-learn's estimator of this shape, fitted on a few zeros to set all attributes."""
    early_stopping = estimator.early_stopping and estimator.solver != "lbfgs"
    shell = estimator._dense_class(
        hidden_layer_sizes=estimator.hidden_layer_sizes,
        solver="adam" if early_stopping else "lbfgs",  # lbfgs stores no moments
        early_stopping=early_stopping,
        validation_fraction=0.5,
        tol=1e99,  # converged at once
        **_loss_of(estimator),
        n_iter_no_change=1,
        random_state=0,
    )
    targets = np.repeat(estimator._shell_targets(), 4, axis=0)  # enough to hold out some of each
    shape = (len(targets), estimator.n_features_in_)
    return shell.fit(csr_array(shape, dtype=estimator.coefs_[0].dtype), targets)


def _loss_of(estimator):
    """The parameter `loss` with which a regressor was fitted, as a dict; empty for classifiers."""
    if is_classifier(estimator):
        return {}
    return {"loss": "poisson" if estimator.out_activation_ == "exp" else "squared_error"}


def _training_of(estimator):
    """The attributes in which scikit-learn's estimator describes its training.

    They are those of the initial training. After pruning, the best loss or score so far is left
    out, because the pruned network might not reach it.
    """
    public = {name: getattr(estimator, name, None) for name in TRAINING_ATTRIBUTES}
    own = public | getattr(estimator, "_initial_training", {})
    if estimator.n_rounds_:
        own = {name: own.get(name) for name in HISTORY} | {"loss_": estimator.loss_}
    return _before_training(estimator) | {n: value for n, value in own.items() if value is not None}


def _before_training(estimator):
    """The same attributes for a training that has just begun."""
    mlp = estimator._dense_class(hidden_layer_sizes=(1,), random_state=0, **_loss_of(estimator))
    classes = {"classes": [0, 1]} if is_classifier(estimator) else {}
    early = estimator.early_stopping
    return initial_training_of(mlp.partial_fit([[0.0]], [0], **classes)) | {
        "n_iter_": 0,
        "t_": 0,
        "loss_curve_": [],
        "best_loss_": None if early else np.inf,
        "validation_scores_": [] if early else None,
        "best_validation_score_": -np.inf if early else None,
    }
