"""Real fits come to the same bits serially, in threads, in processes and on a cluster.

The network is so large that BLAS would share its products among threads, which changes their last
bits: the fits are the same because they are done with one BLAS thread, wherever they run. With
SKLEARN_OBS_LONG=1 there are more workers, and more threads in them.
"""

import os
import warnings

import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from threadpoolctl import ThreadpoolController, threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:400] / 16, y[:400]
SEEDS = range(4)
LONG = bool(os.environ.get("SKLEARN_OBS_LONG"))


pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{category}:{module}")
    for module in ("distributed", "dask", "tornado")
    for category in ("DeprecationWarning", "FutureWarning", "ResourceWarning")
]


def estimator(seed=0, **parameters):
    options = {"max_iter": 4, "retrain_epochs": 2, "step": 0.5} | parameters
    return OBSPrunedMLPClassifier((60,), random_state=seed, **options)


def fitted(seed):
    """The arrays of a fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf = estimator(seed).fit(X, y)
    return [*clf.coefs_, *clf.intercepts_, clf.feature_importances_, clf.pruning_path_["loss"]]


def blas_threads():
    blas = ThreadpoolController().select(user_api="blas")
    return [library["num_threads"] for library in blas.info()]


@pytest.fixture(scope="module", autouse=True)
def several_blas_threads():
    with threadpool_limits(4, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def serial():
    return [fitted(seed) for seed in SEEDS]


def assert_same_bits(found, expected):
    for a, b in zip(found, expected, strict=True):
        for p, q in zip(a, b, strict=True):
            np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("n_jobs", [2, 4] if LONG else [4])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_threads_and_processes(serial, backend, n_jobs):
    before = blas_threads()
    with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
        found = Parallel()(delayed(fitted)(seed) for seed in SEEDS)
    assert_same_bits(found, serial)
    assert blas_threads() == before


@pytest.mark.parametrize(
    "n_workers, threads", [(2, 1), (1, 2), (1, 4), (2, 2)] if LONG else [(2, 2)]
)
def test_dask_workers_with_threads(serial, n_workers, threads):
    before = blas_threads()
    options = {"n_workers": n_workers, "threads_per_worker": threads, "dashboard_address": ":0"}
    options["memory_limit"] = 0
    with (
        LocalCluster(**options, processes=True) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        found = Parallel()(delayed(fitted)(seed) for seed in SEEDS)
    assert_same_bits(found, serial)
    assert blas_threads() == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_search_with_workers_of_its_own(backend):
    """Searches in workers, each of whose fits asks for workers as well."""
    grid = {"damping": [0.02, 0.5], "n_jobs": [None, 2]}
    before = blas_threads()
    results = []
    for n_jobs in (1, 2):
        with joblib.parallel_config(backend=backend):
            search = GridSearchCV(estimator(structure="unit"), grid, cv=2, n_jobs=n_jobs).fit(X, y)
        results.append([*search.best_estimator_.coefs_, search.cv_results_["mean_test_score"]])
    assert_same_bits(results[:1], results[1:])
    assert blas_threads() == before
