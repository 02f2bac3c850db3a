"""Classification: softmax for several classes, logistic for two and for label sets."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import label_binarize
from sklearn.utils.multiclass import type_of_target, unique_labels

from sklearn_obs.estimators.docs import ATTRIBUTES, PARAMETERS
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.samples import MatrixLike


class OBSPrunedMLPClassifier(ClassifierMixin, PrunedMLP):
    __doc__ = f"""Multi-layer perceptron classifier, pruned by Optimal Brain Surgeon.

    `fit` trains scikit-learn's `MLPClassifier`, then removes its weights in rounds: measure the
    curvature of the loss, remove the weights that the loss needs least one at a time, adjust the
    others by the inverse Hessian after every removal, and retrain what remains.

    Parameters
    ----------
    {PARAMETERS}
    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for label sets the indices of the labels.
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
    _dense_class = MLPClassifier
    _y_numeric = False

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The likeliest class of each row; for label sets 1 where a label is likelier than not.

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
            likelier = (p.ravel() > 0.5) & (self.classes_.size > 1)  # there may be one class only
            return self.classes_[likelier.astype(np.intp)]
        return (p > 0.5).astype(int)

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; rows sum to 1, but for label sets.

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

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            As of `predict_proba`; -inf where that is 0.

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
        except TypeError:  # strings and numbers side by side cannot be sorted
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
                    f"outputs for the classes {_some(self.classes_)}. Expected one of these a "
                    "sample; for label sets, fit another network."
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
    """What to say of targets that are neither classes nor label sets."""
    expected = "a class for each sample, or a column of 0 and 1 for each label"
    if kind.startswith("continuous"):
        remedy = "for numbers use OBSPrunedMLPRegressor"
    elif kind.startswith("multiclass"):
        remedy = "use MultiOutputClassifier for several columns of classes"
    else:
        remedy = "make all of them strings, or all of them integers"
    values = y.data if issparse(y) else np.ravel(y)
    # scikit-learn's checks look for the first words
    return (
        f"Unknown label type: {kind}. Got y with values such as {_some(values, 3)}, but "
        f"expected {expected}; {remedy}."
    )


def _some(values, most=10):
    """A few values for a message, each cut where it is long."""
    shown = ", ".join(repr(value)[:30] for value in values[:most].tolist())
    return f"[{shown}, ...]" if len(values) > most else f"[{shown}]"
