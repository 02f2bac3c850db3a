"""The sparsity by cross-validation: GridSearchCV's scores and choice, at a path's price."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit, StratifiedKFold
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor
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
        ({"sparsities": 1}, "Got sparsities=1, but expected a number of them >= 2"),
        ({"sparsities": True}, "Got sparsities=True"),
        ({"cv": ShuffleSplit(1)}, "with one fold, but a standard error needs two"),
        ({"estimator": small(damping=-1)}, "Got damping=-1"),
        ({"scoring": "roc_auc"}, "not finite with scoring='roc_auc'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_bad_parameters(iris, parameters, message):
    X, y = iris
    if "scoring" in parameters:  # the rows left out are of one class
        X, y = X[y < 2], y[y < 2]
        parameters = parameters | {"cv": [(np.arange(25, 100), np.arange(25)), (np.r_[:60], [70])]}
    with pytest.raises(ValueError, match=message):
        OBSPrunedMLPCV(**{"estimator": small(), "sparsities": [0.5], **parameters}).fit(X, y)


def test_unfitted(iris):
    with pytest.raises(NotFittedError):
        OBSPrunedMLPCV().predict(iris[0])
