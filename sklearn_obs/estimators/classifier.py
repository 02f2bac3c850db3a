"""The classifier: softmax outputs for several classes, logistic ones for two or for label sets."""

import os
from collections.abc import Callable

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import label_binarize
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target, unique_labels

from sklearn_obs.estimators.docs import ATTRIBUTES, parameters_with
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.samples import MatrixLike

OWN = """\
class_weight : dict, 'balanced', list of dict or None, default=None
    Weights of the classes. They are multiplied with the weights of the samples, in `fit` and, if y
    is given, in `prune`. 'balanced' gives all classes of this y the same total weight. For label
    sets, pass 'balanced' or a dict for each label, as in
    `sklearn.utils.class_weight.compute_sample_weight`.
"""


class OBSPrunedMLPClassifier(ClassifierMixin, PrunedMLP):
    __doc__ = f"""Multi-layer perceptron classifier, pruned by Optimal Brain Surgeon.

    `fit` trains scikit-learn's `MLPClassifier` and then removes its weights in rounds. Each round
    measures the Hessian of the loss, removes one at a time the weights that raise the loss least,
    adjusts the others by the inverse Hessian after every removal, and retrains what remains.

    Parameters
    ----------
    {parameters_with(OWN)}
    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for label sets, the indices of the labels.
    {ATTRIBUTES}
    See Also
    --------
    OBSPrunedMLPRegressor : The same for regression.
    sklearn.neural_network.MLPClassifier : The dense network.

    References
    ----------
    Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
    Brain Surgeon. Advances in Neural Information Processing Systems 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0).fit(scale(X), y)
    >>> clf.n_weights_, round(clf.sparsity_, 2)
    (7, 0.9)
    >>> clf.score(scale(X), y) > 0.9
    True
    """

    classes_: np.ndarray
    class_weight: str | dict | list[dict] | None
    _dense_class = MLPClassifier
    _y_numeric = False

    def __init__(
        self,
        hidden_layer_sizes: ArrayLike = (100,),
        activation: str = "relu",
        *,
        target_sparsity: float = 0.9,
        distillation: float = 0.75,
        teacher: BaseEstimator | None = None,
        weight_decay: float | None = 1e-3,
        damping: float = 0.02,
        retrain_epochs: int | None = 20,
        retrain_solver: str = "auto",
        step: float = 0.2,
        criterion: str = "obs",
        structure: str = "auto",
        curvature: str = "ggn",
        n_curvature_samples: int = 500,
        prune_intercepts: bool = False,
        max_loss_increase: float | None = None,
        n_swaps: int = 0,
        granularity: str = "weight",
        input_groups: ArrayLike | Callable | None = None,
        class_weight: str | dict | list[dict] | None = None,
        memory: str | os.PathLike | Memory | None = None,
        n_jobs: int | None = None,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            target_sparsity=target_sparsity,
            distillation=distillation,
            teacher=teacher,
            weight_decay=weight_decay,
            damping=damping,
            retrain_epochs=retrain_epochs,
            retrain_solver=retrain_solver,
            step=step,
            criterion=criterion,
            structure=structure,
            curvature=curvature,
            n_curvature_samples=n_curvature_samples,
            prune_intercepts=prune_intercepts,
            max_loss_increase=max_loss_increase,
            n_swaps=n_swaps,
            granularity=granularity,
            input_groups=input_groups,
            memory=memory,
            n_jobs=n_jobs,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.class_weight = class_weight

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class of each sample. For label sets, 1 for each label that has a
            probability above 0.5, else 0.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.predict(scale(X)[:3])
        array([0, 0, 0])
        """
        p = self._outputs(X)
        if self.out_activation_ == "softmax":
            return self.classes_[p.argmax(axis=1)]
        if self.n_outputs_ == 1:
            likelier = (p.ravel() > 0.5) & (self.classes_.size > 1)  # there may be only one class
            return self.classes_[likelier.astype(np.intp)]
        return (p > 0.5).astype(int)

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of `classes_`. Each row sums to 1, except for label
            sets.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.predict_proba(scale(X)).sum(axis=1).round(6)[:3]
        array([1., 1., 1.])
        """
        p = self._outputs(X)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The logarithms of `predict_proba`, -inf where it is 0.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> clf.predict_log_proba(scale(X)).shape
        (150, 3)
        """
        return np.log(self.predict_proba(X))

    def _check_targets(self, y, reset):
        try:
            kind = type_of_target(y, input_name="y", raise_unknown=False)
        except TypeError:  # a mixture of strings and numbers cannot be sorted
            kind = "unknown"
        label_sets = kind == "multilabel-indicator"
        if not label_sets and kind not in ("binary", "multiclass"):
            raise ValueError(_wrong_kind(y, kind))
        if reset:
            return
        if label_sets:
            if not self._of_label_sets:
                raise ValueError(
                    f"Got y with {y.shape[1]} labels, but the network has {self.n_outputs_} "
                    f"outputs for the classes {_some(self.classes_)}. Expected one of these "
                    "classes for each sample. For label sets, fit another network."
                )
            if y.shape[1] != self.n_outputs_:
                raise ValueError(
                    f"Got y with {y.shape[1]} labels, but the network has {self.n_outputs_} "
                    "outputs, one for each label. Expected a column of 0 and 1 for each of them."
                )
            return
        if self._of_label_sets:
            raise ValueError(
                f"Got y with one column of classes, but the network has {self.n_outputs_} outputs, "
                "one for each label. Expected a column of 0 and 1 for each of them."
            )
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if unknown.size:
            raise ValueError(
                f"Got y with the classes {_some(unknown)}, but the network was fitted on "
                f"{_some(self.classes_)}. Leave those samples out, or fit again."
            )

    @property
    def _of_label_sets(self):
        return self.out_activation_ == "logistic" and self.n_outputs_ > 1

    def _weighted(self, y, sample_weight):
        if self.class_weight is None:
            return sample_weight
        try:
            of_class = compute_sample_weight(self.class_weight, y)
        except ValueError as error:
            raise ValueError(
                f"Got class_weight={self.class_weight!r}, which does not fit y: {error}"
            ) from error
        if not (np.isfinite(of_class).all() and (of_class > 0).all()):
            raise ValueError(
                f"Got class_weight={self.class_weight!r}, but expected finite positive weights. "
                "To exclude a class, leave its samples out."
            )
        return of_class if sample_weight is None else of_class * sample_weight

    def _classes_of(self, y):
        self._check_targets(y, reset=True)
        return unique_labels(y)

    def _encode(self, y, classes):
        y = label_binarize(y, classes=classes)
        return y.toarray() if issparse(y) else y

    def _shell_targets(self):
        return np.zeros((1, self.n_outputs_), int) if self._of_label_sets else self.classes_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _wrong_kind(y, kind):
    """The error message for targets that are neither classes nor label sets."""
    expected = "a class for each sample, or a column of 0 and 1 for each label"
    if kind.startswith("continuous"):
        remedy = "For numbers, use OBSPrunedMLPRegressor"
    elif kind.startswith("multiclass"):
        remedy = "For several columns of classes, use MultiOutputClassifier"
    else:
        remedy = "Convert all of them to strings, or all of them to integers"
    values = y.data if issparse(y) else np.ravel(y)
    # scikit-learn's estimator checks look for the first three words
    return (
        f"Unknown label type: {kind}. Got y with values such as {_some(values, 3)}, but "
        f"expected {expected}. {remedy}."
    )


def _some(values, most=10):
    """The first values as text for a message; long ones are cut off."""
    shown = ", ".join(repr(value)[:30] for value in values[:most].tolist())
    return f"[{shown}, ...]" if len(values) > most else f"[{shown}]"
