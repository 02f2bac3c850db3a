"""Class weights are sample weights, in every place that has samples."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight
from small_nets import assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, input_importances, obs_pruning_path

WEIGHTS = ["balanced", {0: 1.0, 1: 5.0, 2: 0.2}]


@pytest.fixture
def uneven(iris):
    X, y = iris
    rows = np.r_[:50, 50:70, 100:110]
    return X[rows], y[rows]


def by_hand(class_weight, y, sample_weight=None):
    weight = compute_sample_weight(class_weight, y)
    return weight if sample_weight is None else weight * sample_weight


def without(model):
    return clone(model).set_params(class_weight=None)


@pytest.mark.parametrize("class_weight", WEIGHTS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_fit_and_prune_as_by_hand(uneven, class_weight, weighted, solver):
    X, y = uneven
    given = np.linspace(0.5, 2, len(y)) if weighted else None
    ours = small(class_weight=class_weight, solver=solver).fit(X, y, sample_weight=given)
    theirs = small(solver=solver).fit(X, y, sample_weight=by_hand(class_weight, y, given))
    assert_same(ours, theirs)
    half = slice(None, None, 2)  # of other shares, which count in `prune`
    mine = None if given is None else given[half]
    ours.prune(X[half], y[half], target_sparsity=0.8, sample_weight=mine)
    weight = by_hand(class_weight, y[half], mine)
    assert_same(ours, theirs.prune(X[half], y[half], target_sparsity=0.8, sample_weight=weight))
    assert_array_equal(
        input_importances(ours, X, y).importances_mean,
        input_importances(theirs, X, y, sample_weight=by_hand(class_weight, y)).importances_mean,
    )


def test_without_labels_they_are_left_out(uneven):
    X, y = uneven
    ours = small(class_weight="balanced", target_sparsity=0, random_state=0).fit(X, y)
    theirs = OBSPrunedMLPClassifier.from_sklearn(ours.to_sklearn(), **_pruning(ours, None))
    ours = OBSPrunedMLPClassifier.from_sklearn(ours.to_sklearn(), **_pruning(ours, "balanced"))
    assert_same(ours.prune(X, target_sparsity=0.5), theirs.prune(X, target_sparsity=0.5))


def _pruning(model, class_weight):
    return {"step": model.step, "retrain_epochs": 2, "class_weight": class_weight}


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 3}, {0: 2, 1: 1}]], ids=str)
def test_label_sets(uneven, class_weight):
    X, y = uneven
    Y = np.c_[y == 0, y < 2].astype(int)
    ours = small(class_weight=class_weight).fit(X, Y)
    assert_same(ours, small().fit(X, Y, sample_weight=by_hand(class_weight, Y)))


def test_samples_of_weight_zero_do_not_count(uneven):
    X, y = uneven
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    ours = small(class_weight="balanced").fit(X, y, sample_weight=weight)
    there = weight > 0
    assert_same(ours, small(class_weight="balanced").fit(X[there], y[there]))


def test_a_search_weighs_each_fold_by_its_own_classes(uneven):
    X, y = uneven
    search = OBSPrunedMLPCV(small(class_weight="balanced"), sparsities=[0.2, 0.6], cv=2).fit(X, y)
    path = obs_pruning_path(small(class_weight="balanced"), X, y, sparsities=[search.sparsity_])
    assert_same(search.estimator_, path.estimators[0].set_params(target_sparsity=search.sparsity_))


def test_teachers_get_them(uneven):
    X, y = uneven
    teacher = LogisticRegression()
    ours = small(class_weight="balanced", teacher=teacher).fit(X, y)
    theirs = small(teacher=teacher).fit(X, y, sample_weight=by_hand("balanced", y))
    assert_same(ours, theirs)


def test_a_rare_class_is_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    y = (X[:, 0] + rng.normal(size=600) > 2.2).astype(int)
    options = {"hidden_layer_sizes": (8,), "max_iter": 100, "retrain_epochs": 10}
    recalls = []
    for class_weight in (None, "balanced"):
        clf = small(class_weight=class_weight, target_sparsity=0.8, **options).fit(X, y)
        recalls.append((clf.predict(X) == 1)[y == 1].mean())
    assert recalls[1] > recalls[0] + 0.2


@pytest.mark.parametrize(
    ("class_weight", "words"),
    [
        ("even", "Got class_weight='even', but expected None, 'balanced', or a dict"),
        (3.0, "Got class_weight=3.0, but expected None"),
        ([1, 2], r"Got class_weight=\[1, 2\], but expected None"),
        ({0: 1, 1: -1, 2: 1}, "expected finite positive weights.*leave its samples out"),
        ({0: 1, 1: 0, 2: 1}, "expected finite positive weights"),
        ({0: 1, 1: np.nan, 2: 1}, "expected finite positive weights"),
        ([{0: 1}, {1: 1}], "which does not fit y"),
        ({"a": 1}, "which does not fit y"),
    ],
    ids=str,
)
def test_bad_weights(uneven, class_weight, words):
    with pytest.raises(ValueError, match=words):
        small(class_weight=class_weight).fit(*uneven)
