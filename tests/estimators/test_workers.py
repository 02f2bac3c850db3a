"""Workers, tasks, pipelines and searches."""

import os
import threading
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.datasets import (
    load_iris,
    make_classification,
    make_multilabel_classification,
)
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import (
    ESTIMATORS,
    LABELS_ALONE,
    assert_same,
    small,
)

from sklearn_obs import OBSPrunedMLPRegressor

# private: what a worker is told to do is watched in the process that does it
from sklearn_obs.elimination import blocks

# Workers


def recorded(folder, shared, chunk):
    """`blocks._in_worker`, which leaves a file that says where it ran."""
    Path(folder, f"{os.getpid()}-{threading.get_ident()}").touch()
    return blocks._in_worker(shared, chunk)


@pytest.mark.parametrize("structure", ["unit", "layer"])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_do_not_change_a_bit(iris, tmp_path, monkeypatch, backend, structure):
    X, y = iris
    parameters = {"structure": structure, "hidden_layer_sizes": (12, 10), "step": 0.5}
    alone = small(**parameters, n_jobs=1).fit(X, y)
    monkeypatch.setattr(blocks, "SMALL_WORK", 0)  # the blocks are small: send them all the same
    work = partial(recorded, str(tmp_path))
    monkeypatch.setattr(blocks, "delayed", lambda _: joblib.delayed(work))
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
    assert blocks.SMALL_WORK < 12 * 300**3
    one, two = (small(**parameters, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert_same(one, two)


# Tasks and company


def test_multilabel():
    X, y = make_multilabel_classification(100, 6, n_classes=4, random_state=0)
    parameters = {"max_iter": 300, "target_sparsity": 0.5, "retrain_epochs": 10}
    clf = small(**parameters, **LABELS_ALONE).fit(X, y)
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
    parameters |= LABELS_ALONE
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
