"""The estimators: exact targets, fitted state, retraining, criteria."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import (
    make_regression,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from small_nets import ESTIMATORS, LABELS_ALONE, N_PARAMETERS, N_WEIGHTS, flat, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.network import loss_and_gradient, mean_objective
from sklearn_obs.pruning.criteria import CRITERIA

# Targets and fitted state


@pytest.mark.parametrize("step", [1, 7, 1000, 0.05, 0.5, 0.999])
@pytest.mark.parametrize("target", [0.01, 0.3, 0.5, 0.77, 0.9, 0.999])
def test_target_is_reached_exactly(iris, target, step):
    clf = small(target_sparsity=target, step=step, retrain_epochs=0, max_iter=2).fit(*iris)
    n_removed = min(round(target * N_WEIGHTS), N_WEIGHTS - 1)  # one weight is kept
    masks = flat(clf.masks_, [])
    assert np.count_nonzero(~masks) == n_removed
    assert clf.n_weights_ == N_WEIGHTS - n_removed
    assert clf.sparsity_ == pytest.approx(n_removed / N_WEIGHTS, rel=1e-15)  # 1 - x rounds
    assert (flat(clf.coefs_, [])[~masks] == 0).all()
    # rounds have the size that `step` says, but for the last
    n_living, sizes = N_WEIGHTS, []
    while sum(sizes) < n_removed:
        share = step if isinstance(step, int) else max(1, int(step * n_living))
        sizes.append(min(share, n_removed - sum(sizes)))
        n_living -= sizes[-1]
    path = clf.pruning_path_
    np.testing.assert_array_equal(path["n_weights"], N_WEIGHTS - np.cumsum(sizes))
    np.testing.assert_array_equal(np.bincount(path["round"], minlength=1)[1:], sizes)
    np.testing.assert_array_equal(np.sort(path["removed"]), np.flatnonzero(~masks))


@pytest.mark.parametrize("retrain_solver", ["newton", "lbfgs", "adam"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_zeros_are_where_masks_say(iris, criterion, retrain_solver):
    parameters = {"criterion": criterion, "retrain_solver": retrain_solver, "retrain_epochs": 8}
    clf = small(target_sparsity=0.8, **parameters).fit(*iris)
    masks = flat(clf.masks_, clf.intercept_masks_)
    theta = flat(clf.coefs_, clf.intercepts_)
    assert (theta[~masks] == 0).all()
    assert all(m.all() for m in clf.intercept_masks_)
    assert np.count_nonzero(masks[:N_WEIGHTS] & (theta[:N_WEIGHTS] == 0)) == clf.n_dead_weights_


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_fitted_attributes(iris, cls):
    X, y = iris
    y = y if cls is OBSPrunedMLPClassifier else X[:, :3]
    est = small(cls).fit(pd.DataFrame(X, columns=list("abcd")), y)
    shapes = [(4, 6), (6, 5), (5, 3)]
    assert [W.shape for W in est.coefs_] == [m.shape for m in est.masks_] == shapes
    assert [b.shape for b in est.intercepts_] == [(6,), (5,), (3,)]
    assert [m.shape for m in est.intercept_masks_] == [(6,), (5,), (3,)]
    lists = ("coefs_", "intercepts_", "masks_", "intercept_masks_", "units_")
    for name in (*lists, "dense_coefs_", "dense_intercepts_"):
        assert type(getattr(est, name)) is list
        for a in getattr(est, name):
            assert type(a) is np.ndarray
            assert a.flags.writeable
    assert {m.dtype for m in est.masks_ + est.intercept_masks_} == {np.dtype(bool)}
    assert {a.dtype for a in est.coefs_ + est.intercepts_} == {np.dtype(np.float64)}
    assert type(est.sparsity_) is float
    for name in ("n_weights_", "n_dead_weights_", "n_layers_", "n_outputs_", "n_features_in_"):
        assert type(getattr(est, name)) is int
    assert (est.n_layers_, est.n_outputs_, est.n_features_in_) == (4, 3, 4)
    assert est.out_activation_ == ("softmax" if cls is OBSPrunedMLPClassifier else "identity")
    assert list(est.feature_names_in_) == list("abcd")
    assert type(est.n_iter_) is int
    assert est.n_iter_ == len(est.loss_curve_) == 10
    assert type(est.n_rounds_) is int
    assert isinstance(est.loss_, float)
    assert type(est.inputs_) is np.ndarray
    assert len(est.units_) == 2
    for index, size in zip([est.inputs_, *est.units_], [4, 6, 5], strict=True):
        assert index.dtype.kind == "i"
        assert (np.diff(index) > 0).all()
        assert index.size == 0 or 0 <= index.min() <= index.max() < size
    path = est.pruning_path_
    assert type(path) is dict
    per_round = {"n_weights": "i", "predicted_loss": "f", "pruned_loss": "f", "loss": "f"}
    per_round |= {"label_loss": "f", "epochs": "i"}
    per_weight = {"removed": "i", "saliency": "f", "round": "i"}
    per_return = {"regrown": "i", "regrown_round": "i"}
    assert path.keys() == {*per_round, *per_weight, *per_return}
    lengths = (est.n_rounds_, round(0.6 * N_WEIGHTS), 0)
    for names, length in zip((per_round, per_weight, per_return), lengths, strict=True):
        for name, kind in names.items():
            assert path[name].shape == (length,)
            assert path[name].dtype.kind == kind
    assert path["loss"][-1] == est.loss_
    assert path["n_weights"][-1] == est.n_weights_
    assert (path["epochs"] == 2).all()
    np.testing.assert_array_equal(np.unique(path["round"]), np.arange(1, est.n_rounds_ + 1))


def test_loss_is_the_networks(iris):
    """An independent computation: scikit-learn's predict_proba and the penalty of its batches."""
    X, y = iris
    clf = small(alpha=0.3, weight_decay=None, distillation=0.25).fit(X, y)
    dense = MLPClassifier((6, 5), max_iter=10, alpha=0.3, random_state=0).fit(X, y)
    log_p = np.log(clf.to_sklearn().predict_proba(X))
    label_loss = -log_p[np.arange(len(y)), y].mean()
    imitation = -(dense.predict_proba(X) * log_p).sum(axis=1).mean()
    squares = sum((W**2).sum() for W in clf.coefs_)
    loss = 0.25 * imitation + 0.75 * label_loss + 0.3 / 150 / 2 * squares  # one batch of 150 rows
    assert clf.loss_ == pytest.approx(loss, rel=1e-13)  # rounding
    assert clf.pruning_path_["label_loss"][-1] == pytest.approx(label_loss, rel=1e-13)
    clf = small(alpha=0.3, weight_decay=0.02, distillation=0).fit(X, y)
    p = clf.to_sklearn().predict_proba(X)[np.arange(len(y)), y]
    penalty = 0.02 / 2 * sum((W**2).sum() for W in clf.coefs_)
    assert clf.loss_ == pytest.approx(-np.log(p).mean() + penalty, rel=1e-13)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_inputs_and_units_are_what_the_output_depends_on(iris, cls):
    X, y = iris
    est = small(cls, target_sparsity=0.85, activation="tanh").fit(X, y)
    outputs = getattr(est, "predict_proba", est.predict)
    read = [j for j in range(4) if not np.array_equal(outputs(X), outputs(changed(X, j)))]
    np.testing.assert_array_equal(est.inputs_, read)
    for layer, n_units in enumerate([6, 5]):
        heard = []
        for unit in range(n_units):
            deaf = clone(est)
            vars(deaf).update(pickle.loads(pickle.dumps(vars(est))))
            deaf.coefs_[layer + 1][unit] = 0
            same = getattr(deaf, "predict_proba", deaf.predict)(X)
            if not np.array_equal(outputs(X), same):
                heard.append(unit)
        np.testing.assert_array_equal(est.units_[layer], heard)
    assert sum(map(len, est.units_)) < 11  # some are gone, or nothing was tested


def changed(X, column):
    X = X.copy()
    X[:, column] += 1.5
    return X


@pytest.mark.parametrize("prune_intercepts", [False, True])
def test_intercepts_count_if_prunable(iris, prune_intercepts):
    clf = small(target_sparsity=0.9, prune_intercepts=prune_intercepts).fit(*iris)
    n = N_PARAMETERS if prune_intercepts else N_WEIGHTS
    assert clf.n_weights_ == n - round(0.9 * n)
    assert clf.sparsity_ == pytest.approx(round(0.9 * n) / n, rel=1e-15)  # 1 - x rounds
    kept = flat(clf.masks_, clf.intercept_masks_ if prune_intercepts else [])
    assert np.count_nonzero(kept) == clf.n_weights_
    assert all(m.all() for m in clf.intercept_masks_) is not prune_intercepts
    for b, alive in zip(clf.intercepts_, clf.intercept_masks_, strict=True):
        assert (b[~alive] == 0).all()


# Retraining and criteria


def test_no_retraining_moves_nothing_but_the_weight_update(iris):
    """A criterion without weight update moves nothing else, up to folding constant units."""
    X, y = iris
    converged = {"solver": "lbfgs", "max_iter": 1000, "activation": "tanh", "alpha": 1.0}
    one_round = {"retrain_epochs": 0, "step": 5, "target_sparsity": 5 / N_WEIGHTS}
    one_round |= converged
    dense = small(**converged, target_sparsity=0).fit(X, y)
    clf = small(criterion="magnitude", **one_round).fit(X, y)
    assert (clf.pruning_path_["epochs"] == 0).all()
    assert all(m.any(axis=0).all() for m in clf.masks_)  # no unit has become constant
    for W, W_dense, alive in zip(clf.coefs_, dense.coefs_, clf.masks_, strict=True):
        np.testing.assert_array_equal(W[alive], W_dense[alive])
    for b, b_dense in zip(clf.intercepts_, dense.intercepts_, strict=True):
        np.testing.assert_array_equal(b, b_dense)
    adjusted = small(criterion="obs", **one_round).fit(X, y)
    assert any(
        (W[m] != W_dense[m]).any()
        for W, W_dense, m in zip(adjusted.coefs_, dense.coefs_, adjusted.masks_, strict=True)
    )
    assert adjusted.pruning_path_["pruned_loss"][0] < clf.pruning_path_["pruned_loss"][0]


@pytest.mark.parametrize("retrain_solver", ["newton", "lbfgs", "adam"])
def test_retraining_lowers_the_loss(iris, retrain_solver):
    clf = small(retrain_epochs=8, retrain_solver=retrain_solver).fit(*iris)
    path = clf.pruning_path_
    assert (path["loss"] < path["pruned_loss"]).all()
    # a step of newton's takes two passes at least, so that one may be left; lbfgs may converge
    least = {"newton": 7, "lbfgs": 1, "adam": 8}[retrain_solver]
    assert ((path["epochs"] >= least) & (path["epochs"] <= 8)).all()


def test_retraining_until_converged_does_not_warn_if_it_does(iris):
    X, y = iris
    parameters = {"retrain_epochs": None, "max_iter": 5000, "alpha": 1.0, "solver": "lbfgs"}
    clf = small(hidden_layer_sizes=(), tol=1e-4, **parameters).fit(X, y)  # a warning is an error
    assert (clf.pruning_path_["epochs"] < 5000).all()


def one_shot(X, y, criterion, n_remove):
    n_all = N_WEIGHTS
    parameters = {"criterion": criterion, "retrain_epochs": 0, "step": n_remove}
    dense = small(target_sparsity=0).fit(X, y)
    clf = small(target_sparsity=n_remove / n_all, **parameters).fit(X, y)
    assert clf.n_rounds_ == 1
    return dense, clf, clf.pruning_path_["removed"], clf.pruning_path_["saliency"]


def test_magnitude_removes_the_smallest_and_predicts_nothing(iris):
    dense, clf, removed, saliency = one_shot(*iris, "magnitude", 20)
    np.testing.assert_array_equal(removed, np.argsort(np.abs(flat(dense.coefs_, [])))[:20])
    assert np.isnan(saliency).all()
    assert np.isnan(clf.pruning_path_["predicted_loss"]).all()


def test_layer_magnitude_removes_the_smallest_of_each_layer(iris):
    dense, clf, _, saliency = one_shot(*iris, "layer_magnitude", 23)  # a third of 69
    for W, mask in zip(dense.coefs_, clf.masks_, strict=True):
        assert np.count_nonzero(~mask) == W.size / 3
        assert np.abs(W[~mask]).max() < np.abs(W[mask]).min()
    assert np.isnan(saliency).all()


def test_movement_removes_what_training_moved_towards_zero(iris):
    """Its first round beside the definition: -sum w g over lbfgs's gradients."""
    X, y = iris
    parameters = {"step": 10, "retrain_epochs": 6, "retrain_solver": "lbfgs", **LABELS_ALONE}
    dense = small(target_sparsity=0, **parameters).fit(X, y)
    clf = small(target_sparsity=10 / N_WEIGHTS, criterion="movement", **parameters).fit(X, y)
    start, score, n_seen = network_of(dense, vars(dense)), np.zeros(N_PARAMETERS), 0
    objective = mean_objective(X, np.eye(3)[y], np.ones(150), alpha=1e-4, step_samples=150)

    def value_and_gradient(theta):
        nonlocal score, n_seen
        value, gradient = loss_and_gradient(start.with_theta(theta), objective)
        if n_seen < 4:  # where it starts, and three epochs
            score = score - theta * gradient
        n_seen += 1
        return value, gradient

    minimize(value_and_gradient, start.theta, jac=True, method="L-BFGS-B", options={"gtol": 1e-4})
    path = clf.pruning_path_
    np.testing.assert_array_equal(path["removed"], np.argsort(score[:N_WEIGHTS])[:10])
    assert np.isnan(path["saliency"]).all()
    assert path["epochs"][0] == 6


def test_random_removes_any_and_predicts_nothing(iris):
    dense, clf, removed, saliency = one_shot(*iris, "random", 20)
    ranks = np.argsort(np.argsort(np.abs(flat(dense.coefs_, []))))[removed]
    assert np.median(ranks) > 20  # the 20 smallest have ranks below 20
    assert (np.isnan(saliency) | (saliency == 0)).all()  # 0 where a unit's end set weights free
    assert np.isnan(saliency[0])
    assert np.isnan(clf.pruning_path_["predicted_loss"]).all()
    other = small(criterion="random", random_state=1).fit(*iris)
    assert not np.array_equal(other.pruning_path_["removed"][:20], removed)


def test_obd_saliency_is_half_the_curvature_times_the_square(iris):
    """Without a hidden layer H_ij,ij = mean x_i^2 p_j (1 - p_j) + penalty."""
    X, y = iris
    parameters = {"hidden_layer_sizes": (), "retrain_epochs": 0, "alpha": 0.1, "step": 6}
    parameters |= LABELS_ALONE
    dense = small(**parameters, target_sparsity=0).fit(X, y)
    clf = small(**parameters, criterion="obd", target_sparsity=0.5).fit(X, y)
    p = dense.predict_proba(X)
    curvature = (X**2).T @ (p * (1 - p)) / len(X) + 0.1 / len(X)
    saliency = (curvature * dense.coefs_[0] ** 2 / 2).ravel()
    path = clf.pruning_path_
    np.testing.assert_array_equal(path["removed"], np.argsort(saliency)[:6])
    # rounding of sums over 150 rows, 1e-16 each
    np.testing.assert_allclose(path["saliency"], np.sort(saliency)[:6], rtol=1e-13)
    before = (
        -np.log(p[np.arange(len(y)), y]).mean() + 0.1 / len(X) / 2 * (dense.coefs_[0] ** 2).sum()
    )
    np.testing.assert_allclose(path["predicted_loss"], before + path["saliency"].sum(), rtol=1e-13)


@pytest.mark.parametrize("structure", ["unit", "layer", "full"])
def test_obs_on_a_linear_network_is_backward_elimination_by_least_squares(structure):
    """Its squared error is its own quadratic model: at the minimum and without damping the
    predicted loss is the measured one, and the weight update is least squares on the columns left.
    """
    X, y = make_regression(80, 8, noise=50, random_state=0)
    A = np.column_stack([X, np.ones(len(X))])

    def fitted(columns):
        A_columns = A[:, [*columns, 8]]
        w = np.linalg.lstsq(A_columns, y, rcond=None)[0]
        return A_columns @ w, ((A_columns @ w - y) ** 2).mean() / 2, w

    theirs = MLPRegressor(hidden_layer_sizes=(), alpha=0, max_iter=1, random_state=0).fit(X, y)
    w = fitted(range(8))[2]
    theirs.coefs_, theirs.intercepts_ = [w[:8, None]], [w[8:]]
    left, order, losses = list(range(8)), [], []
    for _ in range(5):
        worst = min(left, key=lambda j: fitted([i for i in left if i != j])[1])
        left.remove(worst)
        order.append(worst)
        losses.append(fitted(left)[1])

    options = {"structure": structure, "damping": 0, "step": 1, "retrain_epochs": 0}
    options |= LABELS_ALONE
    reg = OBSPrunedMLPRegressor.from_sklearn(theirs, **options).prune(X, y, target_sparsity=5 / 8)
    path = reg.pruning_path_
    assert path["removed"].tolist() == order
    # rounding, 1e-16 times the condition of X'X (about 10) and the sums over 80 rows
    np.testing.assert_allclose(path["predicted_loss"], losses, rtol=1e-11)
    np.testing.assert_allclose(path["pruned_loss"], losses, rtol=1e-11)
    np.testing.assert_allclose(reg.predict(X), fitted(left)[0], rtol=1e-9, atol=1e-9)


def test_both_estimators_have_the_same_defaults():
    """Each lists its own parameters, so that a default could be changed in one of them."""
    classifier, regressor = (cls().get_params() for cls in ESTIMATORS)
    assert classifier.keys() - regressor.keys() == {"class_weight"}
    assert regressor.keys() - classifier.keys() == {"loss"}
    assert all(classifier[name] == regressor[name] for name in classifier.keys() & regressor.keys())
