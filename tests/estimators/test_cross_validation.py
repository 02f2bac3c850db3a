"""The sparsity by cross-validation: GridSearchCV's scores and choice, at a path's price."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.metrics import check_scoring
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    obs_pruning_path,
)
from sklearn_obs.estimators.folds import one_fold
from sklearn_obs.stopping import one_standard_error

LEVELS = [0, 0.3, 0.5, 0.7, 0.85]
FOLDS = StratifiedKFold(4, shuffle=True, random_state=0)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scores_and_choice_are_those_of_grid_search(iris, cls, n_jobs):
    X, y = iris
    estimator, target = small(cls), y if cls is OBSPrunedMLPClassifier else X[:, 0] - X[:, 1]
    cv = FOLDS if cls is OBSPrunedMLPClassifier else 3
    grid = GridSearchCV(estimator, {"target_sparsity": LEVELS}, cv=cv).fit(X, target)
    search = OBSPrunedMLPCV(
        estimator, sparsities=LEVELS, cv=cv, selection="best", n_jobs=n_jobs
    ).fit(X, target)
    n_folds = len(search.scores_)
    expected = [grid.cv_results_[f"split{k}_test_score"] for k in range(n_folds)]
    assert_array_equal(search.scores_, expected)
    assert search.sparsity_ == grid.best_params_["target_sparsity"]
    assert_same(search.estimator_, grid.best_estimator_)
    assert search.score(X, target) == grid.score(X, target)


def test_one_standard_error_is_the_default(iris):
    search = OBSPrunedMLPCV(small(), sparsities=LEVELS, cv=FOLDS).fit(*iris)
    assert search.sparsity_ == LEVELS[one_standard_error(search.scores_.T)]
    assert search.estimator_.target_sparsity == search.sparsity_


def test_a_number_of_sparsities(iris):
    search = OBSPrunedMLPCV(small(), sparsities=4, cv=2).fit(*iris)
    left = 1 - search.sparsities_
    np.testing.assert_allclose(left[1:] / left[:-1], 0.02 ** (1 / 3))
    assert search.sparsities_[0] == 0
    np.testing.assert_allclose(search.sparsities_[-1], 0.98)


def test_names_scoring_groups_and_weights(iris):
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd"))
    labels = np.array(["x", "y", "z"])[y]
    groups = np.arange(len(y)) % 5
    weight = 1 + np.arange(len(y)) % 2
    search = OBSPrunedMLPCV(
        small(), sparsities=[0.3, 0.6], cv=GroupKFold(5), scoring="neg_log_loss"
    ).fit(X, labels, sample_weight=weight, groups=groups)
    assert search.scores_.shape == (5, 2)
    assert search.scores_.max() < 0
    assert_array_equal(search.feature_names_in_, list("abcd"))
    assert_array_equal(search.classes_, ["x", "y", "z"])
    assert set(search.predict(X)) <= {"x", "y", "z"}
    assert search.predict_proba(X).shape == (len(y), 3)
    alone = small(target_sparsity=search.sparsity_).fit(X, labels, weight)
    assert_same(search.estimator_, alone)
    train, test = next(GroupKFold(5).split(X, labels, groups))
    fold = small(target_sparsity=0.6).fit(X.to_numpy()[train], labels[train], weight[train])
    p = fold.predict_proba(X.to_numpy()[test])
    likelihood = np.log(p[np.arange(len(test)), y[test]]).mean()
    # log_loss clips and normalises the probabilities in another order: some eps
    np.testing.assert_allclose(search.scores_[0, 1], likelihood, rtol=1e-12)


def test_a_second_fit_goes_by_the_parameters_of_now(iris):
    search = OBSPrunedMLPCV(small(), sparsities=[0.3], cv=2).fit(*iris)
    again = search.set_params(estimator__step=5).fit(*iris)
    assert_same(again.estimator_, small(step=5, target_sparsity=0.3).fit(*iris))


def test_one_split_takes_the_standard_error_over_its_samples(iris):
    X, y = iris
    split = PredefinedSplit(np.where(np.arange(len(y)) % 3, -1, 0))
    train, test = next(split.split())
    for cls, target in ((OBSPrunedMLPClassifier, y), (OBSPrunedMLPRegressor, X[:, :2])):
        estimator = small(cls, max_iter=100)
        search = OBSPrunedMLPCV(estimator, sparsities=LEVELS, cv=split).fit(X, target)
        path = obs_pruning_path(
            estimator, X[train], target[train], sparsities=LEVELS, X_val=X[test], y_val=target[test]
        )
        assert_array_equal(search.scores_, [path.val_score])
        if cls is OBSPrunedMLPClassifier:
            each = [p.predict(X[test]) == target[test] for p in path.estimators]
        else:
            spread = target[test].var(axis=0)
            each = [
                1 - ((p.predict(X[test]) - target[test]) ** 2 / spread).mean(axis=1)
                for p in path.estimators
            ]
        assert search.sparsity_ == LEVELS[one_standard_error(each)]
        assert search.estimator_.score(X, target) == search.score(X, target)
        kept = OBSPrunedMLPCV(estimator, sparsities=LEVELS, cv=split, refit=False).fit(X, target)
        alone = small(cls, max_iter=100, target_sparsity=kept.sparsity_)
        assert kept.estimator_.get_params() == alone.get_params()
        alone.fit(X[train], target[train])
        for ours, theirs in zip(kept.estimator_.coefs_, alone.coefs_, strict=True):
            assert_array_equal(ours, theirs)
        with pytest.raises(ValueError, match="input_importances"):
            np.asarray(kept.feature_importances_)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_pipeline_has_the_scores_of_grid_search(iris, n_jobs):
    X, y = iris
    X = pd.DataFrame(100 * X, columns=list("abcd"))
    X["e"] = np.array(["u", "v", "w"])[np.arange(len(y)) % 3]
    columns = make_column_transformer(
        (StandardScaler(), list("abcd")), (OneHotEncoder(sparse_output=False), ["e"])
    )
    pipeline = Pipeline([("columns", columns), ("net", small())])
    grid = GridSearchCV(pipeline, {"net__target_sparsity": LEVELS}, cv=FOLDS).fit(X, y)
    search = OBSPrunedMLPCV(
        pipeline, sparsities=LEVELS, cv=FOLDS, selection="best", n_jobs=n_jobs
    ).fit(X, y)
    for name in ("mean", "std", "rank", "split0", "split3"):
        assert_array_equal(
            search.cv_results_[f"{name}_test_score"], grid.cv_results_[f"{name}_test_score"]
        )
    assert search.cv_results_["params"] == grid.cv_results_["params"]
    assert_array_equal(search.cv_results_["param_target_sparsity"], LEVELS)
    assert search.best_index_ == grid.best_index_
    assert search.best_score_ == grid.best_score_
    assert_same(search.estimator_[-1], grid.best_estimator_[-1])
    assert_array_equal(search.predict_proba(X), grid.predict_proba(X))
    assert_array_equal(search.transform(X), grid.best_estimator_.transform(X))
    assert_array_equal(search.feature_names_in_, list("abcde"))
    assert search.feature_importances_.shape == (7,)
    weight = 1.0 + np.arange(len(y)) % 2
    weighted = search.fit(X, y, sample_weight=weight)
    alone = clone(pipeline).set_params(net__target_sparsity=weighted.sparsity_)
    assert_same(weighted.estimator_[-1], alone.fit(X, y, net__sample_weight=weight)[-1])


def test_groups_are_counted_in_the_columns_that_the_network_gets(iris):
    X, y = iris
    X = np.hstack([X, np.zeros((len(X), 3))])
    pipeline = make_pipeline(VarianceThreshold(), small(granularity="input"))
    search = OBSPrunedMLPCV(pipeline, sparsities=3, cv=2).fit(X, y)
    alone = OBSPrunedMLPCV(small(granularity="input"), sparsities=3, cv=2).fit(X[:, :4], y)
    assert_array_equal(search.sparsities_, alone.sparsities_)
    assert_array_equal(search.scores_, alone.scores_)


def test_scorers_get_the_samples_as_they_were_passed(iris):
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd"))
    seen = []

    def scorer(estimator, X, y):
        seen.append((list(X.columns), X.index[0], type(y)))
        return estimator.score(X, y)

    search = OBSPrunedMLPCV(small(), sparsities=[0.5], cv=3, scoring=scorer).fit(X, pd.Series(y))
    folds = StratifiedKFold(3).split(X, y)
    assert seen == [(list("abcd"), test[0], pd.Series) for _, test in folds]
    assert search.score(X, pd.Series(y)) == search.estimator_.score(X, y)


def test_scores_are_weighted_where_weights_are_given(iris):
    X, y = iris
    weight = np.arange(len(y)) % 3
    search = OBSPrunedMLPCV(small(), sparsities=[0.5], cv=2).fit(X, y)
    assert search.score(X, y, sample_weight=weight) == search.estimator_.score(X, y, weight)
    with config_context(enable_metadata_routing=True):
        router = make_pipeline(MinMaxScaler(), clone(search).set_score_request(sample_weight=True))
        router[-1].set_fit_request(sample_weight=True, groups=False)
        routed = router.fit(X, y, sample_weight=weight)
        expected = routed[-1].score(routed[:-1].transform(X), y, sample_weight=weight)
        assert routed.score(X, y, sample_weight=weight) == expected


def test_verbose_prints_a_line_for_each_round_and_fold(iris, capsys):
    OBSPrunedMLPCV(small(step=0.5), sparsities=[0, 0.6], cv=2, verbose=True).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("Fold 1 of 2: ") for line in lines].count(True) == 3  # two rounds
    assert lines[1].startswith("Fold 1 of 2: Round 2, weights = ")
    assert lines[2].startswith("Fold 1 of 2: score 0.")
    assert lines[-1].startswith("Fit on all samples, sparsity = 0.")
    OBSPrunedMLPCV(small(step=0.5), sparsities=[0, 0.6], cv=2, verbose=True, n_jobs=2).fit(*iris)
    of_workers = capsys.readouterr().out.splitlines()  # whose rounds would be mixed
    assert of_workers == [line for line in lines if " Round " not in line]


def test_a_choice_without_a_network(iris):
    """As of `GridSearchCV` with refit=False: the choice is there, what predicts is not."""
    options = {"sparsities": [0, 0.6], "cv": 2}
    whole = OBSPrunedMLPCV(small(), **options).fit(*iris)
    choice = OBSPrunedMLPCV(small(), refit=False, **options).fit(*iris)
    assert choice.sparsity_ == whole.sparsity_
    assert_array_equal(choice.scores_, whole.scores_)
    assert not hasattr(choice, "estimator_")
    assert not hasattr(choice, "classes_")
    for method in (choice.predict, choice.transform, choice.predict_proba):
        with pytest.raises(AttributeError, match=r"kept no network, because refit=False"):
            method(iris[0])
    with pytest.raises(AttributeError, match=r"kept no network"):
        choice.score(*iris)


def test_lists_are_samples_too(iris):
    X, y = iris
    plain = OBSPrunedMLPCV(small(), sparsities=[0.5], cv=3).fit(X, y)
    lists = OBSPrunedMLPCV(small(), sparsities=[0.5], cv=3).fit(
        X.tolist(), y.tolist(), sample_weight=2
    )
    assert_array_equal(lists.scores_, plain.scores_)


ONE_SPLIT = PredefinedSplit(np.where(np.arange(150) % 4, -1, 0))


@pytest.mark.filterwarnings("ignore:A column-vector")  # of scikit-learn's own network
@pytest.mark.parametrize("kind", ["column", "frame", "label sets", "sparse label sets", "values"])
def test_scores_of_samples_have_the_mean_of_the_score(iris, kind):
    X, y = iris
    sets = np.c_[y == 0, y < 2, X[:, 0] > 0].astype(int)
    target = {
        "column": y[:, None],
        "frame": pd.DataFrame({"y": y}),
        "label sets": sets,
        "sparse label sets": csr_array(sets),
        "values": np.c_[X[:, :2], np.zeros(len(y))],  # one that does not vary
    }[kind]
    estimator = small(OBSPrunedMLPRegressor if kind == "values" else OBSPrunedMLPClassifier)
    search = OBSPrunedMLPCV(estimator, sparsities=LEVELS, cv=ONE_SPLIT).fit(X, target)
    split = next(ONE_SPLIT.split())
    fold = one_fold(
        estimator,
        X,
        target,
        None,
        split,
        np.array(LEVELS),
        check_scoring(estimator),
        each_sample=True,
        keep=False,
        say=None,
    )
    # a mean of 38 numbers, in another order
    np.testing.assert_allclose(fold.sample_scores.mean(axis=1), fold.scores, rtol=1e-12)
    assert search.sparsity_ == LEVELS[one_standard_error(fold.sample_scores)]


def test_groups_reach_as_far_as_in_the_narrowest_fold(iris):
    X, y = iris
    rare = np.c_[X, np.arange(150) == 3, np.arange(150) == 77].astype(float)  # constant in folds
    pipeline = make_pipeline(VarianceThreshold(), small(granularity="input"))
    shuffled = KFold(5, shuffle=True, random_state=0)
    search = OBSPrunedMLPCV(pipeline, sparsities=3, cv=shuffled).fit(rare, y)
    assert search.sparsities_[-1] <= 1 - 1 / 5
    OBSPrunedMLPCV(small(granularity="unit"), sparsities=3, cv=2).fit(X.tolist(), y.tolist())


def test_an_iterator_is_used_up_by_one_fit(iris):
    splits = StratifiedKFold(3).split(*iris)
    search = OBSPrunedMLPCV(small(), sparsities=[0.5], cv=splits).fit(*iris)
    with pytest.raises(ValueError, match=r"has no split.* is used up by one fit: pass a list"):
        search.fit(*iris)


def test_retraining_that_does_not_converge_is_said(iris):
    search = OBSPrunedMLPCV(small(retrain_epochs=None, max_iter=2), sparsities=[0.5], cv=2)
    with pytest.warns(ConvergenceWarning, match="Retraining did not converge in"):
        search.fit(*iris)


def test_only_classifiers_have_probabilities():
    assert hasattr(OBSPrunedMLPCV(), "predict_proba")
    assert not hasattr(OBSPrunedMLPCV(OBSPrunedMLPRegressor()), "predict_proba")


@pytest.mark.parametrize(
    "parameters, message",
    [
        (
            {"selection": "worst"},
            r"Got selection='worst', but expected one of 'one_standard_error'",
        ),
        ({"sparsities": 1}, "Got sparsities=1, but expected the number of sparsities"),
        ({"sparsities": True}, "Got sparsities=True"),
        ({"cv": ShuffleSplit(1), "scoring": "accuracy"}, "with one split and scoring='accuracy'"),
        ({"cv": [(np.arange(100), [149])]}, "scores one sample, but a standard error needs two"),
        ({"cv": [(np.arange(100), [])]}, "fold 1 of 1 has 100 samples to train and 0 to score"),
        (
            {"scoring": lambda *_: {"a": 1}},
            "Got the score {'a': 1} from `scoring`",
        ),
        ({"sparsities": 0.5}, "Got sparsities=0.5, but expected the number of sparsities"),
        ({"scoring": ["accuracy", "roc_auc"]}, "but expected one score, as a name or a function"),
        ({"estimator": small(damping=-1)}, "Got damping=-1"),
        ({"scoring": "roc_auc"}, "not finite with scoring='roc_auc'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_bad_parameters(iris, parameters, message):
    X, y = iris
    if parameters.get("scoring") == "roc_auc":  # the rows left out are of one class
        X, y = X[y < 2], y[y < 2]
        parameters = parameters | {"cv": [(np.arange(25, 100), np.arange(25)), (np.r_[:60], [70])]}
    with pytest.raises(ValueError, match=message):
        OBSPrunedMLPCV(**{"estimator": small(), "sparsities": [0.5], **parameters}).fit(X, y)


def test_unfitted(iris):
    with pytest.raises(NotFittedError):
        OBSPrunedMLPCV().predict(iris[0])


def test_the_last_step_has_to_be_ours(iris):
    pipeline = make_pipeline(small(), StandardScaler())
    with pytest.raises(TypeError, match="last step is of the class StandardScaler, but expected"):
        OBSPrunedMLPCV(pipeline).fit(*iris)
    with pytest.raises(TypeError, match="Got an estimator of the class StandardScaler"):
        OBSPrunedMLPCV(StandardScaler()).fit(*iris)
