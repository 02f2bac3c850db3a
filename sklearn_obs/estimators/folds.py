"""A fold of cross-validation: the steps of a pipeline, then one path of networks, each scored.

What is pruned is an estimator of ours, or a pipeline whose last step is one. Its other steps are
fitted on the fold's own training samples, as in `GridSearchCV`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import validate_data

from sklearn_obs.estimators.path import fitted_levels
from sklearn_obs.estimators.pruned_mlp import PrunedMLP
from sklearn_obs.estimators.rows import rows_of
from sklearn_obs.estimators.sample_scores import sample_accuracies, sample_r2


@dataclass(frozen=True)
class Fold:
    """What a fold leaves, one entry a level."""

    scores: list[float]
    sample_scores: np.ndarray | None  # (n_levels, n_held_out_samples)
    estimators: list[Any]  # fitted; empty unless they are to be kept


def pruned_part(estimator: Any) -> PrunedMLP:
    """The estimator that is pruned: itself, or the last step of a pipeline.

    Raises
    ------
    TypeError
        If that is of another class.
    """
    if isinstance(estimator, PrunedMLP):
        return estimator
    if not isinstance(estimator, Pipeline):
        raise TypeError(
            f"Got an estimator of the class {type(estimator).__name__}, but expected an "
            "OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, or a Pipeline that ends in one."
        )
    last = estimator.steps[-1][1] if estimator.steps else None
    if not isinstance(last, PrunedMLP):
        raise TypeError(
            f"Got a Pipeline whose last step is of the class {type(last).__name__}, but expected "
            "an OBSPrunedMLPClassifier or OBSPrunedMLPRegressor as its last step."
        )
    return last


def parameter_of(estimator: Any) -> str:
    """The name that `set_params` has for the target sparsity."""
    if isinstance(estimator, Pipeline):
        return f"{estimator.steps[-1][0]}__target_sparsity"
    return "target_sparsity"


def splits_of(search: Any, X: Any, y: Any, groups: Any) -> list:
    """The search's splits: pairs of numbers of training samples and of held-out samples.

    Raises
    ------
    ValueError
        If a fold has no samples, or a single split cannot do what the search needs of it.
    """
    cv, selection = search.cv, search.selection
    splits = list(check_cv(cv, y, classifier=is_classifier(search)).split(X, y, groups))
    if not splits:
        raise ValueError(
            f"Got cv={cv!r}, which has no split. An iterator is used up by one fit: pass a list."
        )
    for number, (train, test) in enumerate(splits, start=1):
        if not (np.size(train) and np.size(test)):
            raise ValueError(
                f"Got cv={cv!r}, but its fold {number} of {len(splits)} has {np.size(train)} "
                f"samples to train and {np.size(test)} to score. Expected at least one of each."
            )
    if len(splits) == 1 and selection == "one_standard_error":
        if search.scoring is not None:
            raise ValueError(
                f"Got cv={cv!r} with one split and scoring={search.scoring!r}, but the standard "
                "error of this score is not known. Use more folds, scoring=None, or "
                "selection='best'."
            )
        if np.size(splits[0][1]) < 2:
            raise ValueError(
                f"Got cv={cv!r} with one split that scores one sample, but a standard error needs "
                "two samples. Use selection='best', or more samples to score."
            )
    return splits


def prepared(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """The fitted steps before the network (None without), and what they make of X."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) == 1:
        return None, X
    steps = clone(estimator[:-1])
    return steps, steps.fit_transform(X, y)


def columns_of(estimator: Any, X: Any, y: Any, splits: list) -> list[tuple[int, Any]]:
    """How many columns the network gets and their names, of all samples and in each fold."""
    parts = [(X, y)]
    if isinstance(estimator, Pipeline):
        parts += [(rows_of(X, train), rows_of(y, train)) for train, _ in splits]
    return [_columns_of(prepared(estimator, *part)[1]) for part in parts]


def _columns_of(X):
    seen = BaseEstimator()
    validate_data(seen, X, skip_check_array=True)
    return seen.n_features_in_, getattr(seen, "feature_names_in_", None)


def whole(estimator: Any, steps: Any, network: PrunedMLP) -> Any:
    """The estimator with these fitted parts."""
    if not isinstance(estimator, Pipeline):
        return network
    pipeline = clone(estimator)
    before = [] if steps is None else steps.steps
    pipeline.steps = [*before, (estimator.steps[-1][0], network)]
    return pipeline


def fitted(estimator: Any, X: Any, y: Any, sample_weight: Any, target_sparsity: float) -> Any:
    """A copy of the estimator, fitted; the weights are for the network alone."""
    steps, X = prepared(estimator, X, y)
    network = clone(pruned_part(estimator)).set_params(target_sparsity=target_sparsity)
    return whole(estimator, steps, network.fit(X, y, sample_weight=sample_weight))


def _number(score):
    if not np.isscalar(score) or isinstance(score, str):
        raise ValueError(f"Got the score {score!r} from `scoring`, but expected one number.")
    return float(score)


def one_fold(
    estimator, X, y, sample_weight, split, levels, scorer, *, each_sample, keep, say
) -> Fold:
    """Fit on the first samples of the split, and score every level on the others."""
    train, test = split
    X_train, y_train = rows_of(X, train), rows_of(y, train)
    X_test, y_test = rows_of(X, test), rows_of(y, test)
    weight = None if sample_weight is None else sample_weight[train]
    steps, X_train = prepared(estimator, X_train, y_train)
    networks = fitted_levels(pruned_part(estimator), X_train, y_train, levels, weight, say)
    estimators = [whole(estimator, steps, network) for network in networks]
    scores = [_number(scorer(pruned, X_test, y_test)) for pruned in estimators]
    sample_scores = None
    if each_sample:
        of_sample = sample_accuracies if is_classifier(estimator) else sample_r2
        sample_scores = np.array([of_sample(y_test, p.predict(X_test)) for p in estimators])
    return Fold(scores, sample_scores, estimators if keep else [])


def folds_of(search, estimator, X, y, sample_weight, splits, levels) -> list[Fold]:
    """All folds, in parallel by the search's `n_jobs`."""
    single = len(splits) == 1
    options = {
        "each_sample": single and search.selection == "one_standard_error",
        "keep": single and not search.refit,
    }
    serial = effective_n_jobs(search.n_jobs) == 1  # a memory map, as of workers, is not needed
    scorer = check_scoring(estimator, search.scoring)
    calls = []
    for number, split in enumerate(splits, start=1):
        say = partial(_say, f"Fold {number} of {len(splits)}: ")
        options["say"] = say if search.verbose and serial else None
        arguments = estimator, X, y, sample_weight, split, levels, scorer
        calls.append(partial(one_fold, *arguments, **options))
    if serial:
        done = (call() for call in calls)
    else:  # scikit-learn's, by which its settings and filters of warnings reach the workers
        backend, _ = get_active_backend()  # some hand results out only when all are there
        return_as = "generator" if backend.supports_return_generator else "list"
        done = Parallel(search.n_jobs, return_as=return_as)(delayed(call)() for call in calls)
    folds = []
    for number, fold in enumerate(done, start=1):
        if search.verbose:
            _say(f"Fold {number} of {len(splits)}: ", _in_words(fold.scores, levels))
        folds.append(fold)
    return folds


def _in_words(scores, levels):
    """The first, the best and the last score."""
    return (
        f"score {scores[0]:.4g} at sparsity {levels[0]:.4g}, {max(scores):.4g} at best, "
        f"{scores[-1]:.4g} at {levels[-1]:.4g}"
    )


def _say(beginning, line):
    print(beginning + line)
