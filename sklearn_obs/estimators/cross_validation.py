"""The sparsity by cross-validation: one path a fold, all sparsities scored on the rows left out."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from numbers import Integral
from typing import Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.metrics import check_scoring
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import check_consistent_length, get_tags, indexable
from sklearn.utils.validation import validate_data

from sklearn_obs.estimators.checked_samples import FLOATS
from sklearn_obs.estimators.chosen_network import ChosenNetwork
from sklearn_obs.estimators.classifier import OBSPrunedMLPClassifier
from sklearn_obs.estimators.docs import PAGE
from sklearn_obs.estimators.parameters import check_parameters, check_sparsities
from sklearn_obs.estimators.path import check_prunable, fitted_levels
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.run import sparsest
from sklearn_obs.estimators.samples import MatrixLike, for_each_sample
from sklearn_obs.pruning.stopping import one_standard_error

LEAST_LEFT = 0.02  # share of the weights at the sparsest of a number of levels
SELECTIONS = ("one_standard_error", "best")


class OBSPrunedMLPCV(ChosenNetwork, MetaEstimatorMixin, BaseEstimator):
    """The sparsity of a pruned network by cross-validation.

    Each fold trains one dense network and prunes it once, through all sparsities; each is scored on
    the rows left out. The network of the chosen sparsity is fitted on all rows.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, default=None
        What to fit; its `target_sparsity` does not matter. A classifier with its defaults if None.
    sparsities : int or array-like of shape (n_sparsities,), default=20
        The sparsities to choose from, or how many: then from 0, the dense network, to 0.98 (or as
        far as whole groups can be removed, with `granularity`), so that each has the same share of
        the weights of the one before.
    cv : int, cross-validation generator or iterable, default=None
        The folds, as in scikit-learn; None is 5 of them, stratified for a classifier.
    scoring : str or callable, default=None
        The score, greater is better, as in scikit-learn; the estimator's own if None.
    selection : {'one_standard_error', 'best'}, default='one_standard_error'
        'one_standard_error' takes the sparsest network whose mean score is within one standard
        error of the best; 'best' the best (of equals the least sparse, as `GridSearchCV` does).
    n_jobs : int, default=None
        Folds in parallel, as in joblib. Does not change the result.

    Attributes
    ----------
    sparsity_ : float
        The chosen sparsity, one of `sparsities_`.
    sparsities_ : ndarray of shape (n_sparsities,)
        What it was chosen from, in ascending order.
    scores_ : ndarray of shape (n_folds, n_sparsities)
        The score of each fold's network on the rows left out.
    estimator_ : OBSPrunedMLPClassifier or OBSPrunedMLPRegressor
        Fitted on all rows with ``target_sparsity=sparsity_``.
    classes_ : ndarray of shape (n_classes,)
        Class labels, of a classifier.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had names.

    See Also
    --------
    obs_pruning_path : The networks of several sparsities.
    sklearn_obs.display.PruningPathDisplay : Draws the scores and the choice.

    Notes
    -----
    Scores and the choice of 'best' are those of `GridSearchCV` over `target_sparsity` with the same
    folds, if `random_state` is an integer.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. and Stone, C. J. (1984). Classification and
    Regression Trees, section 3.4.3. Wadsworth.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), solver="lbfgs", random_state=0)
    >>> search = OBSPrunedMLPCV(clf, sparsities=[0, 0.5, 0.8, 0.9], cv=3).fit(scale(X), y)
    >>> search.scores_.shape
    (3, 4)
    >>> search.sparsity_ >= 0.5
    True
    >>> search.estimator_.n_weights_ <= 35
    True
    """

    estimator_: PrunedMLP
    sparsity_: float
    sparsities_: np.ndarray
    scores_: np.ndarray
    _doc_link_module, _doc_link_template = "sklearn_obs", PAGE

    def __init__(
        self,
        estimator: PrunedMLP | None = None,
        *,
        sparsities: int | ArrayLike = 20,
        cv: int | BaseCrossValidator | Iterable | None = None,
        scoring: str | Callable | None = None,
        selection: str = "one_standard_error",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.sparsities = sparsities
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.n_jobs = n_jobs

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Score every sparsity on every fold, choose one, fit it on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in training; scores are not weighted.
        groups : array-like of shape (n_samples,), default=None
            Of the rows, for a splitter that wants them.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        TypeError
            If `estimator` is of another class.
        ValueError
            If a parameter is out of range or a score not finite, and as in the estimator's `fit`.
        MemoryError, numpy.linalg.LinAlgError
            As in the estimator's `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> search.scores_.shape
        (2, 2)
        """
        estimator = self._estimator()
        self._check(estimator)
        rows, targets = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=is_regressor(estimator),
            dtype=FLOATS,
        )
        if sample_weight is not None:
            sample_weight = np.asarray(for_each_sample(sample_weight, rows.shape[0]))
            check_consistent_length(X, sample_weight)
        levels = self._levels(estimator, rows, targets)
        splits, scorer = self._splits(X, y, groups), check_scoring(estimator, self.scoring)
        tasks = [
            (estimator, rows, targets, sample_weight, train, test, levels, scorer)
            for train, test in splits
        ]
        if effective_n_jobs(self.n_jobs) == 1:
            scores = [_fold_scores(*task) for task in tasks]
        else:
            scores = Parallel(self.n_jobs)(delayed(_fold_scores)(*task) for task in tasks)
        self.sparsities_, self.scores_ = levels, np.array(scores)
        self.sparsity_ = float(levels[self._chosen(self.scores_)])
        self.estimator_ = clone(estimator).set_params(target_sparsity=self.sparsity_)
        self.estimator_.fit(X, y, sample_weight=sample_weight)
        return self

    def _estimator(self):
        return OBSPrunedMLPClassifier() if self.estimator is None else self.estimator

    def _check(self, estimator):
        """Raise unless all parameters are valid, before anything is done with the data."""
        check_prunable(estimator)
        check_parameters(estimator)
        if self.selection not in SELECTIONS:
            raise ValueError(
                f"Got selection={self.selection!r}, but expected one of "
                f"{', '.join(map(repr, SELECTIONS))}."
            )
        if not isinstance(self.sparsities, Integral):
            check_sparsities(self.sparsities)
        elif isinstance(self.sparsities, bool) or self.sparsities < 2:
            raise ValueError(
                f"Got sparsities={self.sparsities!r}, but expected a number of them >= 2, or "
                "the sparsities themselves."
            )

    def _levels(self, estimator, X, y):
        """The sparsities; of a number of them, as far as whole groups of this network reach."""
        if not isinstance(self.sparsities, Integral):
            return check_sparsities(self.sparsities)
        n_outputs = estimator._encode(y, estimator._classes_of(y)).shape[1]
        least = max(LEAST_LEFT, 1 - sparsest(estimator, X.shape[1], n_outputs))
        return 1 - np.geomspace(1, least, self.sparsities)

    def _splits(self, X, y, groups):
        X, y, groups = indexable(X, y, groups)
        cv = check_cv(self.cv, y, classifier=is_classifier(self))
        splits = list(cv.split(X, y, groups))
        if self.selection == "one_standard_error" and len(splits) < 2:
            raise ValueError(
                f"Got cv={self.cv!r} with one fold, but a standard error needs two. Use more "
                "folds, or selection='best'."
            )
        return splits

    def _chosen(self, scores):
        if not np.isfinite(scores).all():
            raise ValueError(
                f"Got a score that is not finite with scoring={self.scoring!r}: it may not be "
                "defined on so few rows. Use fewer folds, or another score."
            )
        if self.selection == "best":
            return scores.mean(axis=0).argmax()
        return one_standard_error(scores.T)

    def __sklearn_tags__(self):
        tags, own = super().__sklearn_tags__(), get_tags(self._estimator())
        tags.estimator_type = own.estimator_type
        tags.classifier_tags = deepcopy(own.classifier_tags)
        tags.regressor_tags = deepcopy(own.regressor_tags)
        tags.target_tags = deepcopy(own.target_tags)
        tags.input_tags.sparse = own.input_tags.sparse
        return tags


def _fold_scores(estimator, X, y, sample_weight, train, test, levels, scorer):
    """The score on the rows `test` of each level's network, fitted on the rows `train`."""
    weight = None if sample_weight is None else sample_weight[train]
    networks = fitted_levels(estimator, X[train], y[train], levels, weight)
    return [float(scorer(network, X[test], y[test])) for network in networks]
