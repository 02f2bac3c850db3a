"""Kinds of input, repeatability, sample weights."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import coo_array, csc_array, csr_matrix
from sklearn.base import clone
from small_nets import ESTIMATORS, assert_same, assert_same_value, small

from sklearn_obs import OBSPrunedMLPRegressor

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
    # a frame's columns lie one after the other: sums in another order, a dozen passes long
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-12)


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
    for retrain_solver in ("newton", "lbfgs", "adam"):
        parameters = {"retrain_solver": retrain_solver, "structure": structure}
        parameters["retrain_epochs"] = 5
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
