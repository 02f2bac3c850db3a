"""Choice of the sparsity by cross-validation: each fold prunes once and scores all sparsities."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_regressor
from sklearn.model_selection import BaseCrossValidator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, get_tags, indexable
from sklearn.utils.validation import validate_data

from sklearn_obs.estimators.checked_samples import FLOATS
from sklearn_obs.estimators.chosen_network import ChosenNetwork
from sklearn_obs.estimators.classifier import OBSPrunedMLPClassifier
from sklearn_obs.estimators.docs import PAGE
from sklearn_obs.estimators.folds import (
    columns_of,
    fitted,
    folds_of,
    parameter_of,
    pruned_part,
    splits_of,
)
from sklearn_obs.estimators.parameters import check_parameters
from sklearn_obs.estimators.path import check_levels, spread
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.run import sparsest
from sklearn_obs.estimators.samples import MatrixLike, for_each_sample
from sklearn_obs.pruning.stopping import one_standard_error

SELECTIONS = ("one_standard_error", "best")


class OBSPrunedMLPCV(ChosenNetwork, MetaEstimatorMixin, BaseEstimator):
    """Pruned network with a sparsity that is chosen by cross-validation.

    In each fold one dense network is trained and then pruned once, through all sparsities. The
    network of each sparsity is scored on the held-out samples of the fold. Finally, the chosen
    sparsity is fitted on all samples.

    Parameters
    ----------
    estimator : OBSPrunedMLPClassifier, OBSPrunedMLPRegressor or Pipeline, default=None
        The estimator to fit; its `target_sparsity` is not used. In a Pipeline the last step is
        pruned. The steps before it are fitted in each fold, so that a scaler does not see the
        held-out samples. If None, a classifier with its defaults is used.
    sparsities : int or array-like of shape (n_sparsities,), default=20
        The sparsities to choose from, or their number. A number of sparsities is spread from 0, the
        dense network, to 0.98 (or to the largest value at which whole groups can be removed, with
        `granularity`), so that each network has the same share of the weights of the previous one.
    cv : int, cross-validation generator or iterable, default=None
        The folds, as in scikit-learn. None means 5 folds, stratified for a classifier. With a
        single split, such as a `PredefinedSplit`, you can choose the held-out samples yourself.
    scoring : str or callable, default=None
        The score as in scikit-learn, where greater is better; the estimator's own score if None. It
        is called with the samples as they are passed to `fit`.
    selection : {'one_standard_error', 'best'}, default='one_standard_error'
        'one_standard_error' chooses the sparsest network with a mean score within one standard
        error of the best. 'best' chooses the best mean score (among equal ones the least sparse, as
        `GridSearchCV` does). The standard error is computed over folds. With a single split it is
        computed over samples, which requires `scoring=None`.
    refit : bool, default=True
        Whether to fit the chosen sparsity on all samples. If False and there is a single split,
        `estimator_` is the network of its training samples. If False and there are more folds,
        there is no `estimator_`.
    n_jobs : int, default=None
        Number of folds to fit in parallel, as in joblib. It does not change the result.
    verbose : bool, default=False
        Whether to print a line for each fold. A line for each round is printed, too, if folds are
        fitted one after another.

    Attributes
    ----------
    sparsity_ : float
        The chosen sparsity, one of `sparsities_`.
    sparsities_ : ndarray of shape (n_sparsities,)
        The sparsities to choose from, in ascending order.
    scores_ : ndarray of shape (n_folds, n_sparsities)
        The scores of the networks of each fold on its held-out samples.
    cv_results_ : dict of arrays of shape (n_sparsities,)
        As in `GridSearchCV`, without times: `params` (a list of dicts for `set_params`),
        `param_target_sparsity`, `split{i}_test_score`, `mean_test_score`, `std_test_score` and
        `rank_test_score`.
    best_index_ : int
        The index of the chosen sparsity in `sparsities_` and `cv_results_`.
    best_score_ : float
        The mean score of the chosen sparsity over folds.
    estimator_ : OBSPrunedMLPClassifier, OBSPrunedMLPRegressor or Pipeline
        The fitted estimator of the chosen sparsity (see `refit`).
    classes_ : ndarray of shape (n_classes,)
        Class labels. Only a classifier has them.
    feature_importances_ : ndarray of shape (n_features,)
        Importances from the network in `estimator_`. In a Pipeline they are those of the features
        that its last step gets.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had names.

    See Also
    --------
    obs_pruning_path : The networks of several sparsities.
    sklearn_obs.display.PruningPathDisplay : Draws the scores and the chosen sparsity.

    Notes
    -----
    If `random_state` is an integer, the scores and the choice of 'best' are the same as those of
    `GridSearchCV` over `target_sparsity` with the same folds.

    Pass a scaler and other steps inside `estimator`, as a Pipeline. If they are fitted before this
    search, they see the held-out samples of every fold.

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

    estimator_: Any
    sparsity_: float
    sparsities_: np.ndarray
    scores_: np.ndarray
    cv_results_: dict[str, Any]
    best_index_: int
    best_score_: float
    _doc_link_module, _doc_link_template = "sklearn_obs", PAGE

    def __init__(
        self,
        estimator: PrunedMLP | Pipeline | None = None,
        *,
        sparsities: int | ArrayLike = 20,
        cv: int | BaseCrossValidator | Iterable | None = None,
        scoring: str | Callable | None = None,
        selection: str = "one_standard_error",
        refit: bool = True,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.sparsities = sparsities
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.refit = refit
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Score every sparsity on every fold, choose one and fit it on all samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data. For a Pipeline, anything that its first step accepts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in training and pruning. They are not used for the scores, nor
            for the steps before the network.
        groups : array-like of shape (n_samples,), default=None
            The groups of the samples, for a splitter that needs them.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        TypeError
            If `estimator`, or the last step of a Pipeline, is of another class.
        ValueError
            If a parameter is out of range, a fold has no samples, a score is not finite, or a
            standard error is needed but a single split has none; and as in the estimator's `fit`.
        MemoryError, numpy.linalg.LinAlgError
            As in the estimator's `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> pipeline = make_pipeline(StandardScaler(), clf)
        >>> search = OBSPrunedMLPCV(pipeline, sparsities=[0.5, 0.9], cv=2).fit(X, y)
        >>> search.scores_.shape
        (2, 2)
        """
        estimator = self._estimator()
        self._check(estimator)
        if isinstance(estimator, Pipeline):  # its first step checks X
            validate_data(self, X, skip_check_array=True)
            options = {"ensure_2d": False, "dtype": None, "accept_sparse": True}
            targets = check_array(y, input_name="y", **options)
        else:
            options = {"multi_output": True, "y_numeric": is_regressor(estimator)}
            _, targets = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, **options)
        pruned_part(estimator)._check_targets(targets, reset=True)
        X, y, groups = indexable(X, y, groups)
        if sample_weight is not None:
            sample_weight = np.asarray(for_each_sample(sample_weight, np.shape(y)[0]))
            check_consistent_length(X, sample_weight)
        splits = splits_of(self, X, y, groups)
        levels = self._levels(estimator, X, targets, splits)
        folds = folds_of(self, estimator, X, y, sample_weight, splits, levels)
        self._choose(estimator, folds, levels)
        if self.refit:
            if self.verbose:
                print(f"Fit on all samples, sparsity = {self.sparsity_:.4g}")
            self.estimator_ = fitted(estimator, X, y, sample_weight, self.sparsity_)
        elif len(folds) == 1:
            self.estimator_ = folds[0].estimators[self.best_index_]
        return self

    def _estimator(self):
        return OBSPrunedMLPClassifier() if self.estimator is None else self.estimator

    def _check(self, estimator):
        """Raise unless all parameters are valid; this is called before the data are used."""
        check_parameters(pruned_part(estimator))
        check_levels(self.sparsities)
        if self.selection not in SELECTIONS:
            raise ValueError(
                f"Got selection={self.selection!r}, but expected one of "
                f"{', '.join(map(repr, SELECTIONS))}."
            )
        if not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring)):
            raise ValueError(
                f"Got scoring={self.scoring!r}, but expected one score, as a name or a function, "
                "because it chooses the sparsity. For more scores, pass `search.estimator_` to "
                "sklearn.model_selection.cross_validate."
            )

    def _levels(self, estimator, X, y, splits):
        """The sparsities; a number of them is spread up to what groups reach in every fold."""
        levels, part = check_levels(self.sparsities), pruned_part(estimator)
        if not isinstance(levels, int):
            return levels
        if part.granularity == "weight":
            return spread(levels, 1.0)
        n_outputs = part._encode(y, part._classes_of(y)).shape[1]
        heads = columns_of(estimator, X, y, splits)
        return spread(levels, min(sparsest(part, *head, n_outputs) for head in heads))

    def _choose(self, estimator, folds, levels):
        """Set the attributes with the scores of the levels and the best one."""
        scores = np.array([fold.scores for fold in folds])
        if not np.isfinite(scores).all():
            raise ValueError(
                f"Got a score that is not finite with scoring={self.scoring!r}. It may not be "
                "defined on so few samples: use fewer folds, or another score."
            )
        mean = scores.mean(axis=0)
        if self.selection == "best":
            best = mean.argmax()
        elif len(folds) > 1:
            best = one_standard_error(scores.T)
        else:
            best = one_standard_error(folds[0].sample_scores)
        name = parameter_of(estimator)
        self.sparsities_, self.scores_ = levels, scores
        self.best_index_, self.best_score_ = int(best), float(mean[best])
        self.sparsity_ = float(levels[best])
        self.cv_results_ = {
            "params": [{name: float(level)} for level in levels],
            "param_target_sparsity": levels.copy(),
            **{f"split{i}_test_score": row for i, row in enumerate(scores)},
            "mean_test_score": mean,
            "std_test_score": scores.std(axis=0),
            "rank_test_score": rankdata(-mean, method="min").astype(np.int32),
        }

    def __sklearn_tags__(self):
        tags, own = super().__sklearn_tags__(), get_tags(self._estimator())
        tags.estimator_type = own.estimator_type
        tags.classifier_tags = deepcopy(own.classifier_tags)
        tags.regressor_tags = deepcopy(own.regressor_tags)
        tags.target_tags = deepcopy(own.target_tags)
        tags.input_tags = deepcopy(own.input_tags)
        return tags
