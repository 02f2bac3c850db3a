"""A fold of cross-validation: fit the steps of a Pipeline, prune along a path, score each network.

The estimator is one of ours, or a Pipeline whose last step is one. The other steps are fitted on
the training samples of each fold, as in `GridSearchCV`.
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
    """The results of a fold, with one entry for each level."""

    scores: list[float]
    sample_scores: np.ndarray | None  # (n_levels, n_held_out_samples)
    estimators: list[Any]  # fitted; empty unless they are to be kept


def pruned_part(estimator: Any) -> PrunedMLP:
    """The estimator that is pruned: `estimator` itself, or the last step of a Pipeline.

    Raises
    ------
    TypeError
        If it is of another class.
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
    """The name of the target sparsity for `set_params`."""
    if isinstance(estimator, Pipeline):
        return f"{estimator.steps[-1][0]}__target_sparsity"
    return "target_sparsity"


def splits_of(search: Any, X: Any, y: Any, groups: Any) -> list:
    """The splits of a search: pairs of indices of training samples and of held-out samples.

    Raises
    ------
    ValueError
        If a fold has no samples, or the search cannot work with a single split.
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
    """The fitted steps before the network, or None without steps, and the transformed X."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) == 1:
        return None, X
    steps = clone(estimator[:-1])
    return steps, steps.fit_transform(X, y)


def columns_of(estimator: Any, X: Any, y: Any, splits: list) -> list[tuple[int, Any]]:
    """Number and names of the network's columns: for all samples and, in a Pipeline, each fold."""
    parts = [(X, y)]
    if isinstance(estimator, Pipeline):
        parts += [(rows_of(X, train), rows_of(y, train)) for train, _ in splits]
    return [_columns_of(prepared(estimator, *part)[1]) for part in parts]


def _columns_of(X):
    seen = BaseEstimator()
    validate_data(seen, X, skip_check_array=True)
    return seen.n_features_in_, getattr(seen, "feature_names_in_", None)


def whole(estimator: Any, steps: Any, network: PrunedMLP) -> Any:
    """The estimator put together from fitted steps and a fitted network."""
    if not isinstance(estimator, Pipeline):
        return network
    pipeline = clone(estimator)
    before = [] if steps is None else steps.steps
    pipeline.steps = [*before, (estimator.steps[-1][0], network)]
    return pipeline


def fitted(estimator: Any, X: Any, y: Any, sample_weight: Any, target_sparsity: float) -> Any:
    """A fitted copy of the estimator; sample weights are used for the network only."""
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
    """Fit on the training samples of the split, and score every level on the held-out ones."""
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
    """Compute all folds, in parallel with the `n_jobs` of the search."""
    single = len(splits) == 1
    options = {
        "each_sample": single and search.selection == "one_standard_error",
        "keep": single and not search.refit,
    }
    serial = effective_n_jobs(search.n_jobs) == 1  # no workers, so no memory maps of X
    scorer = check_scoring(estimator, search.scoring)
    calls = []
    for number, split in enumerate(splits, start=1):
        say = partial(_say, f"Fold {number} of {len(splits)}: ")
        options["say"] = say if search.verbose and serial else None
        arguments = estimator, X, y, sample_weight, split, levels, scorer
        calls.append(partial(one_fold, *arguments, **options))
    if serial:
        done = (call() for call in calls)
    else:  # scikit-learn's Parallel passes its settings and warning filters on to the workers
        backend, _ = get_active_backend()  # some backends return results only when all are done
        return_as = "generator" if backend.supports_return_generator else "list"
        done = Parallel(search.n_jobs, return_as=return_as)(delayed(call)() for call in calls)
    folds = []
    for number, fold in enumerate(done, start=1):
        if search.verbose:
            _say(f"Fold {number} of {len(splits)}: ", _in_words(fold.scores, levels))
        folds.append(fold)
    return folds


def _in_words(scores, levels):
    """A message with the first, the best and the last score."""
    return (
        f"score {scores[0]:.4g} at sparsity {levels[0]:.4g}, {max(scores):.4g} at best, "
        f"{scores[-1]:.4g} at {levels[-1]:.4g}"
    )


def _say(beginning, line):
    print(beginning + line)
