"""The estimators as a whole: targets, fitted state, pruning on, inputs of all kinds, workers."""

import os
import pickle
import threading
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.linalg import LinAlgError
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import (
    load_iris,
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor, blockwise, surgery

ESTIMATORS = [OBSPrunedMLPClassifier, OBSPrunedMLPRegressor]
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 10, "random_state": 0, "retrain_epochs": 2}
N_WEIGHTS = 4 * 6 + 6 * 5 + 5 * 3  # on iris
N_PARAMETERS = N_WEIGHTS + 6 + 5 + 3


def small(cls=OBSPrunedMLPClassifier, **parameters):
    return cls(**{**SMALL, "target_sparsity": 0.6, "step": 0.3, **parameters})


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def flat(coefs, intercepts):
    return np.concatenate([a.ravel() for a in (*coefs, *intercepts)])


def assert_same(a, b):
    """Bit for bit the same attributes."""
    assert vars(a).keys() == vars(b).keys()
    for name in vars(a):
        if name.endswith("_"):
            assert_same_value(getattr(a, name), getattr(b, name), name)


def assert_same_value(a, b, name):
    assert type(a) is type(b), name
    if isinstance(a, dict):
        assert a.keys() == b.keys(), name
        for key in a:
            assert_same_value(a[key], b[key], f"{name}[{key}]")
    elif isinstance(a, list):
        assert len(a) == len(b), name
        for x, y in zip(a, b, strict=True):
            assert_same_value(x, y, name)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    else:
        assert a == b, name


# Targets and fitted state


@pytest.mark.parametrize("step", [1, 7, 1000, 0.05, 0.5, 0.999])
@pytest.mark.parametrize("target", [0.01, 0.3, 0.5, 0.77, 0.9, 0.999])
def test_target_is_reached_exactly(iris, target, step):
    clf = small(target_sparsity=target, step=step, retrain_epochs=0, max_iter=2).fit(*iris)
    n_removed = round(target * N_WEIGHTS)
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


@pytest.mark.parametrize("retrain_solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("criterion", ["obs", "obd", "magnitude", "random"])
def test_zeros_are_where_masks_say(iris, criterion, retrain_solver):
    clf = small(criterion=criterion, retrain_solver=retrain_solver, target_sparsity=0.8).fit(*iris)
    masks = flat(clf.masks_, clf.intercept_masks_)
    theta = flat(clf.coefs_, clf.intercepts_)
    assert (theta[~masks] == 0).all()
    assert all(m.all() for m in clf.intercept_masks_)
    assert np.count_nonzero(masks[:N_WEIGHTS] & (theta[:N_WEIGHTS] == 0)) == clf.n_ghosts_


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_fitted_attributes(iris, cls):
    X, y = iris
    y = y if cls is OBSPrunedMLPClassifier else X[:, :3]
    est = small(cls).fit(pd.DataFrame(X, columns=list("abcd")), y)
    shapes = [(4, 6), (6, 5), (5, 3)]
    assert [W.shape for W in est.coefs_] == [m.shape for m in est.masks_] == shapes
    assert [b.shape for b in est.intercepts_] == [(6,), (5,), (3,)]
    assert [m.shape for m in est.intercept_masks_] == [(6,), (5,), (3,)]
    for name in ("coefs_", "intercepts_", "masks_", "intercept_masks_", "units_"):
        assert type(getattr(est, name)) is list
        for a in getattr(est, name):
            assert type(a) is np.ndarray
            assert a.flags.writeable
    assert {m.dtype for m in est.masks_ + est.intercept_masks_} == {np.dtype(bool)}
    assert {a.dtype for a in est.coefs_ + est.intercepts_} == {np.dtype(np.float64)}
    assert type(est.sparsity_) is float
    for name in ("n_weights_", "n_ghosts_", "n_layers_", "n_outputs_", "n_features_in_"):
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
    per_round["epochs"] = "i"
    per_weight = {"removed": "i", "saliency": "f", "round": "i"}
    assert path.keys() == {*per_round, *per_weight}
    for names, length in ((per_round, est.n_rounds_), (per_weight, round(0.6 * N_WEIGHTS))):
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
    clf = small(alpha=0.3).fit(X, y)
    p = clf.to_sklearn().predict_proba(X)[np.arange(len(y)), y]
    penalty = 0.3 / 150 / 2 * sum((W**2).sum() for W in clf.coefs_)  # one batch of all 150 rows
    assert clf.loss_ == pytest.approx(-np.log(p).mean() + penalty, rel=1e-13)  # rounding


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


def test_no_retraining_moves_nothing_but_obs_repair(iris):
    """A criterion without repair leaves survivors alone, up to the folding of constant units."""
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
    repaired = small(criterion="obs", **one_round).fit(X, y)
    assert any(
        (W[m] != W_dense[m]).any()
        for W, W_dense, m in zip(repaired.coefs_, dense.coefs_, repaired.masks_, strict=True)
    )
    assert repaired.pruning_path_["pruned_loss"][0] < clf.pruning_path_["pruned_loss"][0]


@pytest.mark.parametrize("retrain_solver", ["lbfgs", "adam"])
def test_retraining_lowers_the_loss(iris, retrain_solver):
    clf = small(retrain_epochs=8, retrain_solver=retrain_solver).fit(*iris)
    path = clf.pruning_path_
    assert (path["loss"] < path["pruned_loss"]).all()
    assert (path["epochs"] == 8).all()


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
    predicted loss is the measured one, and the repair is least squares on the columns left.
    """
    X, y = make_regression(80, 8, noise=50, random_state=0)
    A = np.column_stack([X, np.ones(len(X))])

    def fitted(columns):
        A_columns = A[:, [*columns, 8]]
        w = np.linalg.lstsq(A_columns, y)[0]
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

    surgical = {"structure": structure, "damping": 0, "step": 1, "retrain_epochs": 0}
    reg = OBSPrunedMLPRegressor.from_sklearn(theirs, **surgical).prune(X, y, target_sparsity=5 / 8)
    path = reg.pruning_path_
    assert path["removed"].tolist() == order
    # rounding, 1e-16 times the condition of X'X (about 10) and the sums over 80 rows
    np.testing.assert_allclose(path["predicted_loss"], losses, rtol=1e-11)
    np.testing.assert_allclose(path["pruned_loss"], losses, rtol=1e-11)
    np.testing.assert_allclose(reg.predict(X), fitted(left)[0], rtol=1e-9, atol=1e-9)


# Pruning on


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_prune_to_the_same_target_changes_nothing(iris, cls):
    est = small(cls).fit(*iris)
    before = pickle.loads(pickle.dumps(est))
    kept = {name: id(value) for name, value in vars(est).items()}
    assert est.prune(*iris) is est
    assert est.prune(*iris, target_sparsity=0.6) is est
    assert_same(est, before)
    for name in ("coefs_", "masks_", "pruning_path_"):
        assert id(getattr(est, name)) == kept[name]


def test_prune_to_a_lower_target_raises(iris):
    clf = small().fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    with pytest.raises(ValueError, match=r"Got target_sparsity=0\.5, .*sparsity of 0\.59.* Expect"):
        clf.prune(*iris, target_sparsity=0.5)
    assert_same(clf, before)


@pytest.mark.parametrize("criterion", ["obs", "random"])
@pytest.mark.parametrize("retrain_solver", ["lbfgs", "adam"])
def test_prune_in_two_calls_is_one_fit(iris, criterion, retrain_solver):
    """At a round's boundary; random draws belong to the round, so that they are the same."""
    parameters = {"criterion": criterion, "retrain_solver": retrain_solver, "batch_size": 40}
    parameters |= {"n_curvature_samples": 70, "target_sparsity": 0.8}
    whole = small(**parameters).fit(*iris)
    boundary = 1 - whole.pruning_path_["n_weights"][1] / N_WEIGHTS
    halves = small(**parameters).set_params(target_sparsity=boundary).fit(*iris)
    assert halves.n_rounds_ == 2 < whole.n_rounds_
    halves.prune(*iris, target_sparsity=0.8)
    assert_same(halves, whole)


def test_paths_nest(iris):
    short, long = (small(target_sparsity=t, step=10).fit(*iris) for t in (30 / 69, 40 / 69))
    n = short.n_rounds_
    for name in ("n_weights", "predicted_loss", "pruned_loss", "loss", "epochs"):
        np.testing.assert_array_equal(short.pruning_path_[name], long.pruning_path_[name][:n])
    np.testing.assert_array_equal(
        short.pruning_path_["removed"], long.pruning_path_["removed"][: 10 * n]
    )


def test_prune_with_other_rows_and_weights(iris):
    X, y = iris
    clf = small().fit(X, y)
    mask = flat(clf.masks_, [])
    clf.prune(X[::2], y[::2], target_sparsity=0.8, sample_weight=np.linspace(0, 1, 75))
    assert clf.n_weights_ == N_WEIGHTS - round(0.8 * N_WEIGHTS)
    assert not (flat(clf.masks_, []) & ~mask).any()  # what is gone is gone


def test_prune_with_rows_of_one_class(iris):
    X, y = iris
    clf = small().fit(X, y).prune(X[y == 1], y[y == 1], target_sparsity=0.7)
    assert clf.predict_proba(X).shape == (150, 3)


def bad_X(X, y):
    return {"X": X[:, :2], "y": y}


def bad_y(X, y):
    return {"X": X, "y": np.where(y == 0, 9, y)}


def bad_weight(X, y):
    return {"X": X, "y": y, "sample_weight": -np.ones(len(y))}


@pytest.mark.parametrize("bad", [bad_X, bad_y, bad_weight])
def test_refused_prune_leaves_everything(iris, bad):
    clf = small().fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    with pytest.raises(ValueError):
        clf.prune(**bad(*iris), target_sparsity=0.9)
    assert_same(clf, before)


def test_failed_prune_leaves_everything(iris):
    clf = small(alpha=0).fit(*iris)
    clf.set_params(damping=0)
    before = pickle.loads(pickle.dumps(clf))
    X, y = iris
    with pytest.raises(LinAlgError, match="Increase `damping`"):
        clf.prune(X[:2], y[:2], target_sparsity=0.9)  # two rows: H is singular
    assert_same(clf, before)


def test_error_in_a_later_round_leaves_everything(iris, monkeypatch):
    clf = small().fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    monkeypatch.setattr(surgery, "_retrain", after(2, MemoryError, surgery._retrain))
    with pytest.raises(MemoryError):
        clf.prune(*iris, target_sparsity=0.95)
    assert_same(clf, before)


def after(n_calls, error, function):
    """`function`, which raises `error` from its call `n_calls` (counted from 0) on."""
    calls = iter(range(1000))

    def wrapped(*args):
        if next(calls) >= n_calls:
            raise error
        return function(*args)

    return wrapped


@pytest.mark.parametrize("n_finished", [0, 2])
def test_interrupt_keeps_the_finished_rounds(iris, monkeypatch, n_finished):
    whole = small(step=10).fit(*iris)
    monkeypatch.setattr(surgery, "_retrain", after(n_finished, KeyboardInterrupt, surgery._retrain))
    with pytest.warns(UserWarning, match=f"interrupted by user: .*{n_finished} finished") as caught:
        clf = small(step=10).fit(*iris)
    assert len(caught) == 1 + 1  # and scikit-learn's, of the dense stage
    monkeypatch.undo()
    assert clf.n_rounds_ == n_finished < whole.n_rounds_
    assert clf.n_weights_ == N_WEIGHTS - 10 * n_finished
    removed = whole.pruning_path_["removed"][: 10 * n_finished]
    np.testing.assert_array_equal(clf.pruning_path_["removed"], removed)
    assert_same(clf.prune(*iris), whole)  # usable, and goes on where it was


# transform


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_transform_gives_the_last_hidden_layer(iris, cls):
    X, y = iris
    est = small(cls, target_sparsity=0.8).fit(X, y)
    T = est.transform(X)
    assert 0 < len(est.units_[-1]) < 5  # or nothing is left out
    h = np.maximum(X @ est.coefs_[0] + est.intercepts_[0], 0)
    h = np.maximum(h @ est.coefs_[1] + est.intercepts_[1], 0)
    np.testing.assert_allclose(T, h[:, est.units_[-1]], rtol=1e-13, atol=1e-13)  # rounding
    names = [f"{cls.__name__.lower()}{i}" for i in range(T.shape[1])]
    assert est.get_feature_names_out().tolist() == names
    frame = est.set_output(transform="pandas").transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == names
    np.testing.assert_array_equal(frame.to_numpy(), T)
    assert isinstance(est.set_output(transform="polars").transform(X), pl.DataFrame)


@pytest.mark.parametrize("sparse", [False, True])
def test_transform_without_hidden_layer_selects_inputs(sparse):
    X, y = make_classification(80, 8, n_informative=3, random_state=0)
    clf = small(hidden_layer_sizes=(), target_sparsity=0.5).fit(X, y)
    T = clf.transform(csr_array(X) if sparse else X)
    np.testing.assert_array_equal(T.toarray() if sparse else T, X[:, clf.inputs_])
    assert T.shape == (80, 4)
    assert len(clf.get_feature_names_out()) == 4
    assert clf.units_ == []


# Kinds of input


@pytest.mark.parametrize("structure", ["unit", "full"])
@pytest.mark.parametrize("container", [csr_matrix, csc_array, coo_array])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_sparse_X_is_dense_X(iris, cls, container, structure):
    X, y = iris
    X = np.where(np.abs(X) > 0.7, X, 0)
    sparse = container(X)
    before = sparse.copy()
    a, b = (small(cls, structure=structure).fit(Z, y) for Z in (X, sparse))
    # sums in another order, amplified by a dozen rounds and passes of retraining
    for one, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(a.pruning_path_["removed"], b.pruning_path_["removed"])
    np.testing.assert_allclose(a.transform(X), b.transform(sparse), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(a.predict(X), b.predict(sparse), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(sparse.toarray(), before.toarray())


def pandas_frames(X, y):
    return pd.DataFrame(X, columns=list("abcd")), pd.Series(y, index=np.arange(len(y))[::-1])


def polars_frames(X, y):
    return pl.DataFrame(X, schema=list("abcd")), pl.Series(y)


def lists(X, y):
    return X.tolist(), y.tolist()


@pytest.mark.parametrize("frames", [pandas_frames, polars_frames, lists])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_frames_are_arrays(iris, cls, frames):
    """Also: no warning about names of columns, since any warning is an error here."""
    X, y = iris
    sample_weight = np.linspace(0, 1, 150)
    F, t = frames(X, y)
    a = small(cls).fit(X, y, sample_weight=sample_weight)
    b = small(cls).fit(F, t, sample_weight=sample_weight.tolist())
    names = vars(b).pop("feature_names_in_", None)
    if frames is not lists:
        assert list(names) == list("abcd")
    assert_same(a, b)
    if frames is not lists:
        b.feature_names_in_ = names
    np.testing.assert_array_equal(a.predict(X), b.predict(F))
    np.testing.assert_array_equal(a.transform(X), b.transform(F))
    a.prune(X, y, target_sparsity=0.7)
    b.prune(F, t, target_sparsity=0.7)
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


@pytest.mark.parametrize("dtype", [str, object])
def test_string_labels(iris, dtype):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"], dtype=dtype)
    a, b = small().fit(X, y), small().fit(X, names[y])
    assert b.classes_.tolist() == names.tolist()
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    np.testing.assert_array_equal(names[a.predict(X)], b.predict(X))
    b.prune(X, names[y], target_sparsity=0.8)
    assert_same_value(a.prune(X, y, target_sparsity=0.8).coefs_, b.coefs_, "coefs_")


def test_binary_labels_that_are_not_0_and_1(iris):
    X, y = iris
    a, b = small().fit(X, (y == 1).astype(int)), small().fit(X, np.where(y == 1, 4, -4))
    np.testing.assert_array_equal(np.where(a.predict(X), 4, -4), b.predict(X))
    assert b.score(X, np.where(y == 1, 4, -4)) > 0.5


@pytest.mark.parametrize("structure", ["unit", "layer", "full"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_float32_is_kept(iris, solver, structure):
    X, y = iris
    X = X.astype(np.float32)
    for retrain_solver in ("lbfgs", "adam"):
        parameters = {"retrain_solver": retrain_solver, "structure": structure}
        clf = small(solver=solver, **parameters).fit(X, y)
        dense = small(solver=solver, target_sparsity=0).fit(X, y)
        # lbfgs hands scikit-learn's dense stage float64 back
        assert {a.dtype for a in clf.coefs_} == {a.dtype for a in dense.coefs_}
        assert {a.dtype for a in clf.intercepts_} == {a.dtype for a in dense.intercepts_}
        assert clf.predict_proba(X).dtype == dense.predict_proba(X).dtype
        assert clf.transform(X).dtype == dense.transform(X).dtype
    assert solver == "lbfgs" or clf.coefs_[0].dtype == np.float32


def memmaps(folder, arrays):
    joblib.dump(arrays, folder / "arrays.joblib")
    return joblib.load(folder / "arrays.joblib", mmap_mode="r")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("how", ["read-only", "memmap", "writeable"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_inputs_are_not_written(iris, tmp_path, cls, how, order):
    X, y = iris
    arrays = [np.array(X, order=order), y.astype(float), np.linspace(0, 1, 150)]
    if cls is OBSPrunedMLPRegressor:
        arrays[1] = np.array(X[:, :2])
    kept = [a.copy() for a in arrays]
    if how == "memmap":
        arrays = memmaps(tmp_path, arrays)
        assert isinstance(arrays[0], np.memmap)
    for a in arrays:
        if how != "writeable":
            a.setflags(write=False)
    X, y, sample_weight = arrays
    for activation in ("relu", "identity"):  # both write into their argument, or do not
        est = small(cls, activation=activation).fit(X, y, sample_weight=sample_weight)
        est.prune(X, y, target_sparsity=0.8, sample_weight=sample_weight)
        est.predict(X)
        est.transform(X)[...] = 0  # the caller's to write
        small(cls, hidden_layer_sizes=()).fit(X, y).transform(X)
    for a, b in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_transform_hands_out_memory_of_its_own(iris):
    X, y = np.array(iris[0]), iris[1]
    clf = small(hidden_layer_sizes=(), target_sparsity=0.01).fit(X, y)
    assert clf.inputs_.size == 4  # all of them, the case where a view would do
    assert not np.shares_memory(clf.transform(X), X)


# Repeatability


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_fit_twice_gives_the_same(iris, cls):
    parameters = {"n_curvature_samples": 60, "retrain_solver": "adam", "batch_size": 30}
    est = small(cls, **parameters).fit(*iris)
    once = pickle.loads(pickle.dumps(est))
    est.prune(*iris, target_sparsity=0.9)
    assert_same(est.fit(*iris), once)
    assert_same(clone(est).fit(*iris), once)
    other = clone(est).set_params(random_state=1).fit(*iris)
    assert not np.array_equal(other.coefs_[0], est.coefs_[0])


def test_random_state_instance(iris):
    a, b = (small(random_state=np.random.RandomState(5)).fit(*iris) for _ in range(2))
    assert_same(a, b)
    again = small(random_state=a.random_state).fit(*iris)  # goes on in the stream
    assert not np.array_equal(a.coefs_[0], again.coefs_[0])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_pickle_and_clone(iris, cls):
    X, y = iris
    est = small(cls).fit(X, y)
    back = pickle.loads(pickle.dumps(est))
    assert_same(back, est)
    np.testing.assert_array_equal(back.predict(X), est.predict(X))
    assert_same(back.prune(X, y, target_sparsity=0.8), est.prune(X, y, target_sparsity=0.8))
    new = clone(est)
    assert new.get_params() == est.get_params()
    assert not hasattr(new, "coefs_")


# Workers


def recorded(folder, parent, *task):
    """`blockwise._in_worker`, which leaves a file that says where it ran."""
    Path(folder, f"{os.getpid()}-{threading.get_ident()}").touch()
    return blockwise._in_worker(parent, *task)


@pytest.mark.parametrize("structure", ["unit", "layer"])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_do_not_change_a_bit(iris, tmp_path, monkeypatch, backend, structure):
    X, y = iris
    parameters = {"structure": structure, "hidden_layer_sizes": (12, 10), "step": 0.5}
    alone = small(**parameters, n_jobs=1).fit(X, y)
    monkeypatch.setattr(blockwise, "SMALL_WORK", 0)  # the blocks are small: send them all the same
    work = partial(recorded, str(tmp_path))
    monkeypatch.setattr(blockwise, "delayed", lambda _: joblib.delayed(work))
    with joblib.parallel_config(backend=backend):
        together = small(**parameters, n_jobs=2).fit(X, y)
    where = [path.name.split("-") for path in tmp_path.iterdir()]
    assert where  # workers did run ...
    if backend == "loky":
        assert str(os.getpid()) not in {process for process, _ in where}  # ... elsewhere
    else:
        assert str(threading.get_ident()) not in {thread for _, thread in where}
    assert_same(together, alone)


def test_many_columns_are_one_and_two_workers():
    """As it comes: blocks that are worth workers are sent to them."""
    X, y = make_classification(120, 300, random_state=0)
    parameters = {"hidden_layer_sizes": (12,), "step": 0.5, "max_iter": 2, "retrain_epochs": 1}
    assert blockwise.SMALL_WORK < 12 * 300**3
    one, two = (small(**parameters, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert_same(one, two)


# Sample weights


@pytest.mark.parametrize("structure", ["unit", "full"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_integer_weights_are_repeated_rows(iris, cls, structure):
    X, y = iris
    times = np.random.default_rng(0).integers(0, 4, len(y))
    # every step sees all rows, hence the same objective
    parameters = {"solver": "lbfgs", "retrain_solver": "lbfgs", "alpha": 0.1, "activation": "tanh"}
    parameters["structure"] = structure
    a = small(cls, **parameters).fit(X, y, sample_weight=times)
    b = small(cls, **parameters).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_array_equal(a.pruning_path_["removed"], b.pruning_path_["removed"])
    # sums in another order (1e-16), amplified by 10 dense steps and two passes a round
    np.testing.assert_allclose(a.pruning_path_["loss"], b.pruning_path_["loss"], rtol=1e-8)
    for one, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)
    unweighted = small(cls, **parameters).fit(X, y)
    assert not np.allclose(unweighted.coefs_[0], a.coefs_[0], rtol=1e-3)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_rows_of_weight_0_are_absent(iris, solver):
    X, y = iris
    sample_weight = np.where(y == 2, 0, np.linspace(0.5, 2, 150))
    rows = y != 2
    parameters = {"solver": solver, "n_curvature_samples": 50}
    a = small(**parameters).fit(X, y, sample_weight=sample_weight)
    b = small(**parameters).fit(X[rows], y[rows], sample_weight=sample_weight[rows])
    assert a.classes_.tolist() == [0, 1]
    assert_same(a, b)
    a.prune(X, y, target_sparsity=0.8, sample_weight=sample_weight)  # class 2 is not seen
    assert_same(
        a, b.prune(X[rows], y[rows], target_sparsity=0.8, sample_weight=sample_weight[rows])
    )


def test_equal_weights_are_none_where_every_step_sees_all_rows(iris):
    """alpha is divided by the summed weight, so that without alpha only the shares count."""
    X, y = iris
    parameters = {"solver": "lbfgs", "retrain_solver": "lbfgs", "alpha": 0}
    a = small(**parameters).fit(X, y)
    b = small(**parameters).fit(X, y, sample_weight=np.full(150, 4.0))  # a power of 2 is exact
    np.testing.assert_array_equal(a.pruning_path_["removed"], b.pruning_path_["removed"])
    np.testing.assert_allclose(a.loss_, b.loss_, rtol=1e-8)  # sums in another order, amplified


# Tasks and company


def test_multilabel():
    X, y = make_multilabel_classification(100, 6, n_classes=4, random_state=0)
    clf = small(max_iter=300, target_sparsity=0.5, retrain_epochs=10).fit(X, y)
    assert clf.out_activation_ == "logistic"
    assert clf.predict(X).shape == clf.predict_proba(X).shape == (100, 4)
    dense = small(max_iter=300, target_sparsity=0).fit(X, y)
    assert clf.score(X, y) > dense.score(X, y) - 0.1
    p = np.clip(clf.predict_proba(X), 1e-16, 1 - 1e-16)
    penalty = 1e-4 / 100 / 2 * sum((W**2).sum() for W in clf.coefs_)
    log_loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1).mean()
    assert clf.loss_ == pytest.approx(log_loss + penalty, rel=1e-12)  # rounding


@pytest.mark.parametrize("container", [csr_matrix, csr_array])
def test_sparse_label_sets(container):
    """Sparse indicator matrices, where scikit-learn's own estimator takes them."""
    X, y = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
    a, b = small().fit(X, y), small().fit(X, container(y))
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-9)  # sums reordered


def test_multioutput_regression(iris):
    X, _ = iris
    y = np.column_stack([X[:, 0], X[:, 1] * X[:, 2]])
    parameters = {"solver": "lbfgs", "max_iter": 300, "retrain_epochs": 20, "step": 0.1}
    reg = small(OBSPrunedMLPRegressor, **parameters).fit(X, y)
    assert reg.predict(X).shape == (150, 2)
    assert reg.score(X, y) > 0.9
    penalty = 1e-4 / 150 / 2 * sum((W**2).sum() for W in reg.coefs_)
    squares = ((reg.predict(X) - y) ** 2).sum(axis=1).mean() / 2
    assert reg.loss_ == pytest.approx(squares + penalty, rel=1e-12)  # rounding


def test_column_of_targets_is_a_vector(iris):
    X, y = iris
    a = small(OBSPrunedMLPRegressor).fit(X, y)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        b = small(OBSPrunedMLPRegressor).fit(X, y[:, None].astype(float))
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    a.prune(X, y[:, None], target_sparsity=0.8)
    b.prune(X, y, target_sparsity=0.8)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_grid_search_in_a_pipeline(cls):
    X, y = load_iris(return_X_y=True, as_frame=True)
    order = np.random.default_rng(0).permutation(150)
    pipeline = make_pipeline(StandardScaler(), small(cls, max_iter=100, retrain_epochs=5))
    name = f"{cls.__name__.lower()}__"
    grid = {name + "target_sparsity": [0, 0.5, 0.9], name + "damping": [0.01, 0.5]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in workers there is no filter list of ours
        search = GridSearchCV(pipeline, grid, n_jobs=2, cv=2, error_score="raise")
        search.fit(X.iloc[order], y.iloc[order])
    scores = search.cv_results_["mean_test_score"].reshape(2, 3)  # dampings x sparsities
    assert np.isfinite(scores).all()
    assert scores[0, 0] == scores[1, 0]  # damping is nothing to a dense network
    assert len(np.unique(scores)) > 2
    sparsity = search.best_estimator_[-1].sparsity_
    assert sparsity == pytest.approx(search.best_params_[name + "target_sparsity"], abs=0.01)


def test_as_a_step_before_another(iris):
    X, y = iris
    pipeline = make_pipeline(small(max_iter=100), OBSPrunedMLPRegressor((), target_sparsity=0))
    pipeline[-1].set_params(max_iter=5, random_state=0)
    pipeline.fit(X, y)
    assert pipeline[-1].n_features_in_ == len(pipeline[0].units_[-1])


def test_verbose_prints_a_line_a_round(iris, capsys):
    clf = small(verbose=True).fit(*iris)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Round")]
    assert len(lines) == clf.n_rounds_
    assert lines[-1] == f"Round {clf.n_rounds_}, weights = {clf.n_weights_}, loss = {clf.loss_:.8f}"
