"""Pruning on, after errors too, and `transform`."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.linalg import LinAlgError
from scipy.sparse import csr_array
from sklearn.datasets import (
    make_classification,
)
from small_nets import ESTIMATORS, N_WEIGHTS, assert_same, flat, small

from sklearn_obs.pruning import rounds

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


@pytest.mark.parametrize("criterion", ["obs", "random", "movement"])
@pytest.mark.parametrize("retrain_solver", ["newton", "lbfgs", "adam"])
def test_prune_in_two_calls_is_one_fit(iris, criterion, retrain_solver):
    """At a round's boundary; random draws belong to the round, so that they are the same."""
    parameters = {"criterion": criterion, "retrain_solver": retrain_solver, "batch_size": 40}
    parameters["retrain_epochs"] = 8
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
    twice = np.column_stack([X[:, :2], X[:, :2]])  # columns that are alike: H is singular
    with pytest.raises(LinAlgError, match="Increase `damping`"):
        clf.prune(twice, y, target_sparsity=0.9)
    assert_same(clf, before)


def test_error_in_a_later_round_leaves_everything(iris, monkeypatch):
    clf = small().fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    monkeypatch.setattr(rounds, "retrain", after(2, MemoryError, rounds.retrain))
    with pytest.raises(MemoryError):
        clf.prune(*iris, target_sparsity=0.95)
    assert_same(clf, before)


def after(n_calls, error, function):
    """`function`, which raises `error` from its call `n_calls` (counted from 0) on."""
    calls = iter(range(1000))

    def wrapped(*args, **kwargs):
        if next(calls) >= n_calls:
            raise error
        return function(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize("n_finished", [0, 2])
def test_interrupt_keeps_the_finished_rounds(iris, monkeypatch, n_finished):
    whole = small(step=10).fit(*iris)
    monkeypatch.setattr(rounds, "retrain", after(n_finished, KeyboardInterrupt, rounds.retrain))
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
