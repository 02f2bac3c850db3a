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
            return self.classes_[(p.ravel() > 0.5).astype(np.intp)]
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
        if type_of_target(y, input_name="y").startswith("multilabel"):
            if not reset and (self.n_outputs_ == 1 or y.shape[1] != self.n_outputs_):
                raise ValueError(
                    f"Got y with {y.shape[1]} labels, but the network has {self.n_outputs_} "
                    "outputs."
                )
            return
        if not reset and self.out_activation_ == "logistic" and self.n_outputs_ > 1:
            raise ValueError(
                f"Got y with one column of classes, but the network has {self.n_outputs_} outputs, "
                "one for each label."
            )
        labels = unique_labels(y)
        if reset and labels.size == 1:
            raise ValueError(
                f"Got y with one class only ({labels[0]!r}), but expected at least two classes."
            )
        if not reset:
            unknown = np.setdiff1d(labels, self.classes_)
            if unknown.size:
                raise ValueError(
                    f"Got y with the classes {unknown.tolist()}, but the network was fitted on "
                    f"{self.classes_.tolist()}."
                )

    def _classes_of(self, y):
        return unique_labels(y)

    def _encode(self, y, classes):
        y = label_binarize(y, classes=classes)
        return y.toarray() if issparse(y) else y

    def _shell_targets(self):
        if self.out_activation_ == "logistic" and self.n_outputs_ > 1:
            return {"y": np.zeros((1, self.n_outputs_), int), "classes": self.classes_}
        return {"y": self.classes_[:1], "classes": self.classes_}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
