"""`distillation` and `weight_decay` of the estimators, and pruning without labels."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor, input_importances
from sklearn_obs.network import loss_and_gradient


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
    mlp = MLPClassifier((30,), solver="lbfgs", max_iter=200, alpha=0.01, random_state=0)
    return mlp.fit(X, y), X, y, X_test, y_test


def flat_dense(model):
    return np.concatenate([a.ravel() for a in (*model.dense_coefs_, *model.dense_intercepts_)])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_dense_network_is_kept(iris, cls):
    dense = small(cls, target_sparsity=0).fit(*iris)
    pruned = small(cls).fit(*iris)
    for model in (dense, pruned):
        for ours, theirs in zip(model.dense_coefs_, dense.coefs_, strict=True):
            assert_array_equal(ours, theirs)
            assert ours is not theirs
    assert not hasattr(small(cls, distillation=0).fit(*iris), "dense_coefs_")
    assert not hasattr(pruned.compact(), "dense_coefs_")
    from_theirs = cls.from_sklearn(dense.to_sklearn())
    assert_array_equal(flat_dense(from_theirs), flat_dense(dense))


def test_a_later_prune_imitates_what_was_kept_and_else_what_it_finds(iris):
    X, y = iris
    model = small(target_sparsity=0.3).fit(X, y)
    kept = flat_dense(model)
    assert_array_equal(flat_dense(model.prune(X, y, target_sparsity=0.6)), kept)
    small_one = small(target_sparsity=0.3).fit(X, y).compact()
    found = np.concatenate([a.ravel() for a in (*small_one.coefs_, *small_one.intercepts_)])
    small_one.prune(X, y, target_sparsity=0.5)
    assert_array_equal(flat_dense(small_one), found)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_two_calls_that_meet_at_the_end_of_a_round_equal_one(iris, cls):
    """Also where the first finds no dense network, and keeps the one that it imitates."""
    X, y = iris
    start = small(cls, target_sparsity=0, distillation=0).fit(X, y).set_params(step=10)
    start.set_params(distillation=0.75)
    once, twice = pickle.loads(pickle.dumps(start)), start
    n = 69
    if cls is OBSPrunedMLPRegressor:
        n = 4 * 6 + 6 * 5 + 5
    once.prune(X, y, target_sparsity=30 / n)
    twice.prune(X, y, target_sparsity=20 / n).prune(X, y, target_sparsity=30 / n)
    assert_same(once, twice)


@pytest.mark.parametrize("kind", ["softmax", "binary", "label sets", "regression"])
def test_at_the_dense_network_nothing_is_to_be_learned(iris, kind):
    X, y = iris
    cls, targets = OBSPrunedMLPClassifier, y
    if kind == "binary":
        targets = y > 0
    elif kind == "label sets":
        X, targets = make_multilabel_classification(60, 4, n_classes=3, random_state=0)
    elif kind == "regression":
        cls, targets = OBSPrunedMLPRegressor, X[:, :2]
    model = small(cls, target_sparsity=0, distillation=1, weight_decay=0).fit(X, targets)
    network, _, objective = model._at_hand(X, targets, None)
    assert_array_equal(loss_and_gradient(network, objective)[1], 0)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_without_labels_the_outputs_are_all_that_counts(iris, cls):
    X, y = iris
    dense = small(cls, target_sparsity=0).fit(X, y)
    with_labels, without = (pickle.loads(pickle.dumps(dense)) for _ in range(2))
    with_labels.set_params(distillation=1).prune(X, y, target_sparsity=0.5)
    without.prune(X, target_sparsity=0.5)
    # the labels' only part left is that curvature's rows are drawn by them: here all are taken
    for name in ("coefs_", "intercepts_", "masks_"):
        for a, b in zip(getattr(with_labels, name), getattr(without, name), strict=True):
            assert_array_equal(a, b)
    assert np.isnan(without.pruning_path_["label_loss"]).all()
    assert np.isfinite(with_labels.pruning_path_["label_loss"]).all()
    assert (without.feature_importances_ == input_importances(without, X).importances_mean).all()


def test_new_rows_without_labels_do_as_well(digits):
    """A network pruned on rows whose labels nobody knows, beside one pruned on labelled rows."""
    mlp, X, y, X_test, y_test = digits
    known = OBSPrunedMLPClassifier.from_sklearn(mlp, random_state=0, n_curvature_samples=300)
    unknown = OBSPrunedMLPClassifier.from_sklearn(mlp, random_state=0, n_curvature_samples=300)
    known.prune(X, y, target_sparsity=0.8)
    unknown.prune(X, target_sparsity=0.8)  # rows are drawn by the likeliest class
    assert unknown.score(X_test, y_test) > known.score(X_test, y_test) - 0.02
    assert unknown.score(X_test, y_test) > mlp.score(X_test, y_test) - 0.02


def test_imitation_keeps_probabilities(digits):
    """Also those of a network that was stopped long before its minimum."""
    _, X, y, X_test, _ = digits
    mlp = MLPClassifier((30,), max_iter=30, random_state=0).fit(X, y)
    distance = {}
    for d in (0, 1):
        model = OBSPrunedMLPClassifier.from_sklearn(mlp, distillation=d, random_state=0)
        model.prune(X, y, target_sparsity=0.8)
        distance[d] = np.abs(model.predict_proba(X_test) - mlp.predict_proba(X_test)).mean()
    assert distance[1] < distance[0] / 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"distillation": 0}, r"no y with distillation=0.*Pass y, or set a `distillation` above 0"),
        ({"max_loss_increase": 0.1}, r"no y with max_loss_increase=0\.1.*limits the loss against"),
        ({"curvature": "empirical_fisher"}, r"no y with curvature='empirical_fisher'.*use 'ggn'"),
    ],
)
def test_what_needs_labels_is_refused_before_the_first_round(iris, parameters, message):
    X, y = iris
    model = small(target_sparsity=0.3).fit(X, y)
    before = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).prune(X, target_sparsity=0.6)
    assert_same(model, before)


def test_importances_need_no_labels_where_curvature_has_none(iris):
    """Not even of a network that imitates nothing: nothing is retrained."""
    X, y = iris
    model = small(distillation=0, max_loss_increase=9).fit(X, y)
    found = [input_importances(model, X, each).importances_mean for each in (None, y)]
    assert_array_equal(*found)
    with pytest.raises(ValueError, match=r"no y with curvature='empirical_fisher'"):
        input_importances(model.set_params(curvature="empirical_fisher"), X)


def test_weight_decay_is_absolute(iris):
    X, y = iris
    model = small(target_sparsity=0, alpha=0.3, batch_size=50, weight_decay=0.01).fit(X, y)
    assert model._at_hand(X, y, None)[2].penalty == 0.01
    model.set_params(weight_decay=None)
    assert model._at_hand(X, y, None)[2].penalty == pytest.approx(0.3 / 50)


def test_more_decay_leaves_smaller_weights(iris):
    squares = [
        sum((W**2).sum() for W in small(weight_decay=w, retrain_epochs=30).fit(*iris).coefs_)
        for w in (0, 0.01, 0.1)
    ]
    assert squares[0] > squares[1] > squares[2]


@pytest.mark.filterwarnings("ignore:On these samples the network")  # it is hardly trained
def test_a_decay_that_outweighs_the_loss_is_said(iris):
    """Numbers as targets in units that make them tiny: the remedy is to scale them."""
    X, _ = iris
    y = X[:, 0] * X[:, 1]
    model = small(OBSPrunedMLPRegressor, target_sparsity=0).fit(X, 1e-3 * y)
    with pytest.warns(UserWarning, match=r"weight_decay=0\.\d+ penalises.*Scale y to a standard"):
        model.prune(X, 1e-3 * y, target_sparsity=0.3)
    small(OBSPrunedMLPRegressor).fit(X, y)  # a warning is an error


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_predictions_are_the_networks_own(iris, cls):
    X, y = iris
    model = small(cls).fit(X, y)
    theirs = model.to_sklearn()
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            assert_allclose(getattr(model, method)(X), getattr(theirs, method)(X), rtol=1e-12)
