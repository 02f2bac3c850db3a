"""Two parameters, two data sets, two calls: what one part leaves is what the next one needs."""

import gc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from small_nets import ESTIMATORS, N_WEIGHTS, assert_same, flat, small

from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    input_importances,
    obs_pruning_path,
)
from sklearn_obs.curvature import STRUCTURES
from sklearn_obs.network import loss
from sklearn_obs.pruning import CRITERIA

# private: a factorisation is made to fail
from sklearn_obs.retraining import newton

# Masks and other data


def with_a_unit_that_reads_one_input():
    """A network whose unit 0 reads input 0 alone, and feeds unit 0 of the next layer."""
    Z = np.random.default_rng(0).normal(size=(200, 3))
    mlp = MLPRegressor(hidden_layer_sizes=(2, 2), activation="tanh", solver="lbfgs", max_iter=1)
    mlp = mlp.set_params(alpha=1e-3, random_state=0).fit(Z, Z[:, 1])
    mlp.coefs_ = [
        np.array([[1.0, 0], [0, 1], [0, -1.5]]),
        np.array([[0.7, 0], [0.6, 1.2]]),
        np.array([[1e-3], [2.0]]),
    ]
    mlp.intercepts_ = [np.array([0.1, 0.1]), np.array([0.1, 0.1]), np.array([0.5])]
    return mlp, Z


@pytest.mark.parametrize(
    "criterion, structure", [("obs", s) for s in STRUCTURES] + [("obd", "auto")]
)
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.filterwarnings("ignore:Got a network in which 4 weights are exactly 0")
def test_rows_in_which_an_input_is_always_zero(criterion, structure, column):
    """What is freed and is no candidate is not taken for the first weight, or for the last."""
    mlp, Z = with_a_unit_that_reads_one_input()
    net = OBSPrunedMLPRegressor.from_sklearn(
        mlp, criterion="magnitude", retrain_epochs=0, step=4, structure=structure
    ).prune(Z, mlp.predict(Z), target_sparsity=4 / 12)
    later = Z.copy()
    later[:, column] = 0
    target = mlp.predict(later)
    net.set_params(criterion=criterion, step=3).prune(later, target, target_sparsity=5 / 12)
    removed = net.pruning_path_["removed"]
    assert len(set(removed)) == removed.size == 5
    for W, mask in zip(net.coefs_, net.masks_, strict=True):
        assert (W[~mask] == 0).all()
        # no weight that remains and matters has been set to 0
        assert np.count_nonzero(mask & (W == 0)) <= net.n_dead_weights_
    assert net.intercepts_[-1][0] != 0
    assert net.score(later, target) > 0.98


# Parameters that cross


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "newton"])
def test_every_criterion_goes_with_swaps(iris, criterion, solver):
    epochs = 8 if solver == "newton" else 4
    options = {"retrain_solver": solver, "retrain_epochs": epochs, "target_sparsity": 0.8}
    without = small(criterion=criterion, **options).fit(*iris)
    clf = small(criterion=criterion, n_swaps=2, **options).fit(*iris)
    assert clf.n_weights_ == without.n_weights_
    assert clf.loss_ <= without.loss_


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_one_epoch_moves_something(iris, cls, solver):
    one, none = (
        small(cls, solver="lbfgs", max_iter=100, retrain_solver=solver, retrain_epochs=n).fit(*iris)
        for n in (1, 0)
    )
    assert (one.pruning_path_["epochs"] == 1).all()
    first = (one.pruning_path_["loss"][0], none.pruning_path_["loss"][0])
    assert first[0] <= first[1]
    if solver == "lbfgs":
        assert first[0] < first[1]


@pytest.mark.parametrize("retrain_solver", ["lbfgs", "adam", "newton"])
@pytest.mark.parametrize("solver, rate", [("sgd", 0.5), ("adam", 0.5), ("lbfgs", 50.0)])
def test_retraining_never_raises_the_loss(iris, retrain_solver, solver, rate):
    """Not even with a rate at which adam diverges: the best point is handed back."""
    options = {"retrain_solver": retrain_solver, "retrain_epochs": 5, "max_iter": 30}
    clf = small(solver=solver, learning_rate_init=rate, **options).fit(*iris)
    path = clf.pruning_path_
    assert (path["loss"] <= path["pruned_loss"]).all()


@pytest.mark.parametrize("granularity", ["unit", "input"])
def test_a_number_of_sparsities_ends_where_groups_reach(iris, granularity):
    clf = small(granularity=granularity, retrain_epochs=0)
    search = OBSPrunedMLPCV(clf, sparsities=4, cv=2, selection="best").fit(*iris)
    assert len(search.sparsities_) == 4
    last = small(granularity=granularity, retrain_epochs=0, target_sparsity=search.sparsities_[-1])
    assert last.fit(*iris).sparsity_ == pytest.approx(search.sparsities_[-1])
    with pytest.raises(ValueError, match="granularity"):
        last.set_params(target_sparsity=search.sparsities_[-1] + 0.05).fit(*iris)


@pytest.mark.parametrize("criterion", ["obs", "magnitude"])
def test_one_weight_is_kept(iris, criterion):
    clf = small(criterion=criterion, target_sparsity=0.9999, retrain_epochs=0).fit(*iris)
    assert clf.n_weights_ == 1
    assert_array_equal(clf.prune(*iris).n_weights_, 1)


def test_weights_without_curvature_are_removed_first(iris):
    """No damping helps where nothing has curvature: such weights cost nothing."""
    X, y = iris
    mlp = MLPClassifier((6, 5), alpha=0, max_iter=200, random_state=0).fit(X, y)
    mlp.intercepts_[0][2] = -100.0  # unit 2 is off in every sample
    clf = OBSPrunedMLPClassifier.from_sklearn(mlp, damping=0.02, retrain_epochs=0, step=5)
    clf.set_params(weight_decay=0).prune(X, y, target_sparsity=9 / N_WEIGHTS)
    assert (
        clf.n_weights_ == N_WEIGHTS - 9
    )  # its 4 incoming and 5 outgoing weights, or others like them
    assert_array_equal(clf.pruning_path_["saliency"], 0)
    assert_allclose(clf.predict_proba(X), mlp.predict_proba(X))


def test_newton_names_the_damping(iris, monkeypatch):
    """A factorisation that fails in retraining says so as one in a removal does."""

    def singular(*args):
        raise np.linalg.LinAlgError("leading minor 1")

    monkeypatch.setattr(newton, "_preconditioner", singular)
    clf = small(retrain_solver="newton", retrain_epochs=4, damping=0.03)
    with pytest.raises(np.linalg.LinAlgError, match=r"damping=0\.03: leading minor 1\. Increase"):
        clf.fit(*iris)


# The same quantity


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_loss_of_a_dense_network_is_measured_like_all_others(iris, cls):
    X, y = iris
    for clf in (small(cls, target_sparsity=0), small(cls), small(cls, solver="lbfgs", n_swaps=1)):
        clf.fit(X, y)
        network, _, objective = clf._at_hand(X, y, None)
        assert clf.loss_ == loss(network, objective)
    path = obs_pruning_path(small(cls), X, y, sparsities=[0, 0.3])
    assert path.loss[0] == small(cls, target_sparsity=0).fit(X, y).loss_


def test_training_is_scikit_learns_to_the_bit(iris):
    ours = small(target_sparsity=0).fit(*iris)
    theirs = MLPClassifier((6, 5), max_iter=10, random_state=0).fit(*iris)
    assert ours.loss_curve_ == theirs.loss_curve_
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.to_sklearn().loss_ == theirs.loss_
    assert_array_equal(flat(ours.coefs_, ours.intercepts_), flat(theirs.coefs_, theirs.intercepts_))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_second_fit_leaves_nothing_of_the_first(iris, cls):
    clf = small(cls, early_stopping=True).fit(*iris)
    clf.set_params(solver="lbfgs", early_stopping=False).fit(*iris)
    assert_same(clf, small(cls, solver="lbfgs").fit(*iris))


def test_all_rounds_count_the_same_weights(iris):
    clf = small(target_sparsity=0.3).fit(*iris)
    before = clf.pruning_path_["n_weights"]
    clf.set_params(prune_intercepts=True).prune(*iris, target_sparsity=0.6)
    n_intercepts = 6 + 5 + 3
    assert_array_equal(clf.pruning_path_["n_weights"][: before.size], before + n_intercepts)
    assert clf.pruning_path_["n_weights"][-1] == clf.n_weights_
    clf.set_params(prune_intercepts=False).prune(*iris, target_sparsity=0.8)
    assert_array_equal(clf.pruning_path_["n_weights"][: before.size], before)


def penalty(clf, X, y):
    return clf._at_hand(X, y, None)[2].penalty


@pytest.mark.parametrize("trained_by", ["lbfgs", "adam", "sgd"])
@pytest.mark.parametrize("later", [{"solver": "lbfgs"}, {"solver": "adam"}, {"batch_size": 7}])
def test_the_penalty_is_the_initial_trainings(iris, trained_by, later):
    """Setting solver or batch size later changes retraining; `alpha` is read at the call."""
    X, y = iris
    options = {"solver": trained_by, "alpha": 0.1, "batch_size": 20, "weight_decay": None}
    step = len(X) if trained_by == "lbfgs" else 20
    fitted = small(**options, target_sparsity=0).fit(X, y)
    del options["weight_decay"]
    mlp = MLPClassifier((6, 5), max_iter=10, random_state=0, **options).fit(X, y)
    options["weight_decay"] = later["weight_decay"] = None
    for clf in (
        small(**options, target_sparsity=0).fit(X, y).set_params(**later),
        OBSPrunedMLPClassifier.from_sklearn(mlp, **later),
        OBSPrunedMLPClassifier.from_sklearn(mlp).set_params(**later),
        OBSPrunedMLPClassifier.from_sklearn(fitted.to_sklearn(), **later),
        fitted.compact().set_params(**later),
    ):
        assert penalty(clf, X, y) == pytest.approx(0.1 / step)
        assert penalty(clf.set_params(alpha=0.2), X, y) == pytest.approx(0.2 / step)


def test_early_stopping_counts_the_samples_of_a_step(iris):
    clf = small(early_stopping=True, target_sparsity=0).fit(*iris)
    assert clf.n_step_samples_ == 135  # of 150, of which a tenth is held out


# Importances


@pytest.mark.parametrize("criterion", ["obs", "obd", "magnitude"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_importances_are_the_same_numbers_later(iris, criterion, structure):
    X, y = iris
    options = {"criterion": criterion, "structure": structure, "n_curvature_samples": 100}
    clf = small(**options).fit(X, y)
    assert_array_equal(input_importances(clf, X, y).importances_mean, clf.feature_importances_)
    clf.prune(X[:120], y[:120], target_sparsity=0.8)
    assert_array_equal(
        input_importances(clf, X[:120], y[:120]).importances_mean, clf.feature_importances_
    )
    found = input_importances(clf, X[::2], y[::2], sample_weight=np.arange(75.0))
    others = found.importances_mean
    assert others.shape == (4,)
    assert_array_equal(others > 0, clf.feature_importances_ > 0)


def test_importances_of_a_network_that_was_not_pruned(iris):
    X, y = iris
    mlp = MLPClassifier((5,), max_iter=50, random_state=0).fit(X, y)
    assert (input_importances(mlp, X, y).importances_mean > 0).all()


# What is kept


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_nothing_that_is_kept_holds_the_samples(cls):
    X, y = make_regression(300, 40, random_state=0)
    y = y if cls is OBSPrunedMLPRegressor else (y > 0).astype(int)
    clf = small(cls, n_swaps=1, retrain_epochs=4).fit(X, y).prune(X, y, target_sparsity=0.8)
    seen, queue = set(), [vars(clf)]
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, type) or callable(thing):
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            assert thing.size < X.size / 2, thing.shape
            assert thing.base is None or thing.base.size < X.size / 2
        else:
            queue += gc.get_referents(thing)
    assert len(seen) > 20  # so that something was looked at


@pytest.mark.parametrize("criterion", ["obs", "magnitude"])
def test_a_constant_unit_is_folded_before_its_weights_are_dead(iris, criterion):
    """Its weights carry a constant until that is in the next intercepts."""
    X, y = iris
    mlp = MLPClassifier((4,), solver="lbfgs", alpha=1e-3, random_state=0).fit(X, y)
    mlp.coefs_[0][:, 2], mlp.intercepts_[0][2] = 0, 5.0
    options = {"retrain_epochs": 0, "step": 3, "criterion": criterion}
    clf = OBSPrunedMLPClassifier.from_sklearn(mlp, keep_zeros=True, **options)
    assert_allclose(clf.predict_proba(X), mlp.predict_proba(X), rtol=0, atol=1e-12)
    # the unit's 4 incoming weights have been removed, its 3 outgoing ones are dead
    clf.prune(X, y, target_sparsity=7 / 28)
    assert_allclose(clf.predict_proba(X), mlp.predict_proba(X), rtol=0, atol=1e-12)
    assert_array_equal(clf.units_[0], [0, 1, 3])
