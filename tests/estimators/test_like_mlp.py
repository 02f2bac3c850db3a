"""What scikit-learn's networks take and do, ours take and do, and so what is built on them."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    __version__,
    obs_pruning_path,
)
from sklearn_obs.estimators import versions

# One class


@pytest.mark.parametrize("label", [0, 7, "a", True, -1.0])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_class_is_predicted(iris, label, solver):
    X, _ = iris
    y = np.full(150, label)
    dense = {"hidden_layer_sizes": (6, 5), "max_iter": 10, "random_state": 0, "solver": solver}
    theirs = MLPClassifier(**dense).fit(X, y)
    mine = OBSPrunedMLPClassifier(**dense, target_sparsity=0, retrain_epochs=2).fit(X, y)
    assert_array_equal(mine.predict_proba(X), theirs.predict_proba(X))
    for target_sparsity in (None, 0.5, 0.9):
        if target_sparsity is not None:
            mine.prune(X, y, target_sparsity=target_sparsity)
        for each in (mine, mine.to_sklearn(), mine.compact()):
            assert_array_equal(each.classes_, theirs.classes_)
            assert_array_equal(each.predict(X), theirs.predict(X))
            assert each.predict(X).dtype == theirs.predict(X).dtype
            assert each.predict_proba(X).shape == theirs.predict_proba(X).shape
            assert each.score(X, y) == 1


def test_one_class_is_left_by_weights_of_0(iris):
    X, y = iris
    mine = small().fit(X, y, sample_weight=y == 2)
    assert mine.classes_.tolist() == [2] and (mine.predict(X) == 2).all()


def test_one_class_in_a_path_and_a_search(iris):
    X, y = iris[0], np.zeros(150, int)
    assert (obs_pruning_path(small(), X, y, sparsities=[0, 0.5, 0.8]).score == 1).all()
    assert OBSPrunedMLPCV(small(), sparsities=[0, 0.5], cv=2).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize("meta", [MultiOutputClassifier, ClassifierChain])
def test_constant_labels_among_others(iris, meta):
    X, y = iris
    labels = np.column_stack([y == 0, np.zeros(150, bool), y == 2]).astype(int)
    chosen = meta(small(max_iter=50)).fit(X, labels)
    assert chosen.predict(X).shape == (150, 3) and not chosen.predict(X)[:, 1].any()


def test_bootstraps_of_one_class(iris):
    X, y = iris
    rows = np.r_[0, 60:62]  # three samples, of which many a draw has one class
    bag = BaggingClassifier(small(), n_estimators=12, random_state=0).fit(X[rows], y[rows])
    assert min(len(each.classes_) for each in bag.estimators_) == 1
    assert_array_equal(bag.predict_proba(X).shape, (150, 2))


# Weights


@pytest.mark.parametrize("weight", [2, 0.5, np.float32(3), np.array(2.0), np.array(2)])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_one_weight_is_for_all(iris, cls, weight):
    X, y = iris
    many = np.full(150, weight)
    one, other = (small(cls).fit(X, y, sample_weight=v) for v in (weight, many))
    assert_same(one, other)
    assert_same(
        one.prune(X, y, target_sparsity=0.8, sample_weight=weight),
        other.prune(X, y, target_sparsity=0.8, sample_weight=many),
    )
    paths = [
        obs_pruning_path(small(cls), X, y, sparsities=[0.2, 0.5], sample_weight=v)
        for v in (weight, many)
    ]
    assert_array_equal(paths[0].loss, paths[1].loss)
    np.testing.assert_allclose(paths[0].score, paths[1].score, rtol=1e-12)
    searches = [
        OBSPrunedMLPCV(small(cls), sparsities=[0.2, 0.5], cv=2).fit(X, y, sample_weight=v)
        for v in (weight, many)
    ]
    assert_array_equal(searches[0].scores_, searches[1].scores_)
    if not isinstance(weight, np.ndarray):  # scikit-learn takes numbers
        theirs = MLPClassifier if cls is OBSPrunedMLPClassifier else MLPRegressor
        dense = {"hidden_layer_sizes": (6, 5), "max_iter": 10, "random_state": 0}
        mine = cls(**dense, target_sparsity=0).fit(X, y, sample_weight=weight)
        expected = theirs(**dense).fit(X, y, sample_weight=weight)
        for a, b in zip(mine.coefs_, expected.coefs_, strict=True):
            assert_array_equal(a, b)


# Importances that are not there


@pytest.fixture(scope="module", params=ESTIMATORS)
def without_importances(request, iris):
    return small(request.param, target_sparsity=0).fit(*iris)


SELECTORS = {
    "SelectFromModel, fitted": lambda net: SelectFromModel(net, prefit=True).fit_transform,
    "SelectFromModel": lambda net: SelectFromModel(clone(net)).fit_transform,
    "RFE": lambda net: RFE(clone(net), n_features_to_select=2).fit,
}
REASON = "after the last round of pruning, .* there was no round.*Prune to a higher"


@pytest.mark.parametrize("selector", SELECTORS)
def test_selectors_say_why_there_are_no_importances(without_importances, selector, iris):
    with pytest.raises((AttributeError, ValueError), match=REASON):
        SELECTORS[selector](without_importances)(*iris)


@pytest.mark.parametrize(
    "use",
    [
        lambda a: a[0],
        lambda a: a.argmax(),
        lambda a: a.shape,
        lambda a: np.sort(a),
        lambda a: np.asarray(a, float),
        lambda a: list(a),
    ],
)
def test_any_use_says_why_there_are_no_importances(without_importances, use):
    with pytest.raises((AttributeError, ValueError), match=REASON):
        use(without_importances.feature_importances_)
    assert "there was no round" in repr(without_importances.feature_importances_)


def test_nothing_else_minds_that_there_are_no_importances(without_importances, iris):
    check_is_fitted(without_importances)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a name that is going
        members = dict(inspect.getmembers(without_importances))
    absent = members["feature_importances_"]
    for each in (copy.deepcopy(absent), pickle.loads(pickle.dumps(absent))):
        assert repr(each) == repr(absent)
    assert "OBSPruned" in without_importances._repr_html_()
    assert_same(copy.deepcopy(without_importances), without_importances)
    assert_same(clone(without_importances).fit(*iris), without_importances)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_before_fit_there_is_nothing_to_have_importances(cls):
    with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted"):
        _ = cls().feature_importances_
    assert not hasattr(cls(), "feature_importances_")


# Versions


def fitted(cls, iris):
    if cls is OBSPrunedMLPCV:
        return cls(small(), sparsities=[0.2, 0.5], cv=2).fit(*iris)
    return small(cls).fit(*iris)


VERSIONED = [*ESTIMATORS, OBSPrunedMLPCV]


@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize("cls", VERSIONED)
def test_pickles_of_another_version_warn(cls, is_fitted, iris, monkeypatch):
    model = fitted(cls, iris) if is_fitted else cls()
    pickled = pickle.dumps(model)
    assert vars(pickle.loads(pickled)).keys() == vars(model).keys()  # a warning would be an error
    monkeypatch.setattr(versions, "__version__", "9.8.7")
    with pytest.warns(InconsistentVersionWarning) as caught:
        again = pickle.loads(pickled)
    own = [str(w.message) for w in caught if cls.__name__ in str(w.message)]
    assert len(own) == 1
    words = f"estimator {cls.__name__} of sklearn_obs from version {__version__} when using version"
    assert f"{words} 9.8.7" in own[0]
    assert vars(again).keys() == vars(model).keys()
    pickle.loads(pickle.dumps(again))


@pytest.mark.parametrize("cls", VERSIONED)
def test_copies_do_not_warn_and_hold_no_version(cls, iris):
    model = fitted(cls, iris)
    for each in (copy.copy(model), copy.deepcopy(model)):
        assert vars(each).keys() == vars(model).keys()
        assert not any("version" in name for name in vars(each))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_pickles_of_before_there_were_versions(cls, iris):
    """They warn, and are as good as new: what they do not hold is not needed, and the reverse."""
    model = fitted(cls, iris)
    state = {name: value for name, value in vars(model).items() if name != "_initial_training"}
    again = cls.__new__(cls)
    with pytest.warns(InconsistentVersionWarning, match="from version before"):
        again.__setstate__(state | {"n_ghosts_": 3})
    assert_array_equal(again.predict(iris[0]), model.predict(iris[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert again.n_dead_weights_ == model.n_dead_weights_
    mlp = again.to_sklearn().set_params(warm_start=True).fit(*iris)
    assert len(mlp.loss_curve_) > model.n_iter_


def test_the_version_is_the_one_of_the_package():
    assert versions.__version__ == __version__
    assert isinstance(OBSPrunedMLPRegressor().__getstate__(), dict)
