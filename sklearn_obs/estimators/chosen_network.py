"""The methods of a search that use the chosen network: predictions, importances and scores."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.metrics import check_scoring
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.folds import pruned_part
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.estimators.versions import Versioned


def _has(method):
    return available_if(lambda self: hasattr(self._estimator(), method))


class ChosenNetwork(Versioned, TransformerMixin):
    """The part of `OBSPrunedMLPCV` that predicts and transforms."""

    estimator_: Any
    scoring: Any

    @property
    def classes_(self) -> np.ndarray:
        """Class labels.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.classes_
        array([0, 1, 2])
        """
        return chosen_of(self).classes_

    @property
    def feature_importances_(self) -> np.ndarray:
        """Estimated increase of the loss if each input were removed, of shape (n_features,).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.feature_importances_.shape
        (4,)
        """
        return pruned_part(chosen_of(self)).feature_importances_

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Return the activations of the last hidden layer of the chosen network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            One column for each remaining unit, as `estimator_` returns it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.transform(scale(X)).shape == (150, len(search.get_feature_names_out()))
        True
        """
        return chosen_of(self).transform(X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Not used; it is there for compatibility with scikit-learn.

        Returns
        -------
        ndarray of str
            The names.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> str(search.get_feature_names_out()[0])
        'obsprunedmlpclassifier0'
        """
        return pruned_part(chosen_of(self)).get_feature_names_out()

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict with the chosen network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes or targets, as `estimator_` predicts them.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.predict(scale(X)[:3])
        array([0, 0, 0])
        """
        return chosen_of(self).predict(X)

    @_has("predict_proba")
    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the probabilities of the classes. Only a classifier has this method.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of `classes_`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.predict_proba(scale(X)).shape
        (150, 3)
        """
        return chosen_of(self).predict_proba(X)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithms of the probabilities. Only a classifier has this method.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The logarithms, in the order of `classes_`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.predict_log_proba(scale(X)).shape
        (150, 3)
        """
        return chosen_of(self).predict_log_proba(X)

    def score(self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the score of the chosen network, by the `scoring` of the search.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples to score.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights in the score.

        Returns
        -------
        float
            The score; greater is better.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.score(scale(X), y) > 0.9
        True
        """
        chosen = chosen_of(self)
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        scorer = check_scoring(chosen, self.scoring)
        return float(scorer(chosen, X, y, **weighted))


def chosen_of(search: Any) -> Any:
    """The estimator that a fitted search has chosen and kept.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the search is not fitted.
    AttributeError
        If it has kept no estimator.
    """
    check_is_fitted(search)
    if not hasattr(search, "estimator_"):
        raise AttributeError(
            "The search has chosen a sparsity, but kept no network, because refit=False and there "
            "was more than one fold. Use refit=True, or fit an estimator with the parameters "
            "`search.cv_results_['params'][search.best_index_]`."
        )
    return search.estimator_
