"""Blocks on a dask cluster of two processes, one of which may die."""

import os
import signal
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.linalg import LinAlgError
from small_nets import assert_same, small

# private: what a worker is told to do is replaced by a worker that dies
from sklearn_obs.elimination import blocks

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{category}:{module}")
    for module in ("distributed", "dask", "tornado")
    for category in ("DeprecationWarning", "FutureWarning", "ResourceWarning")
]

UNITS = {"structure": "unit", "hidden_layer_sizes": (12, 10), "step": 0.5}


@contextmanager
def two_processes():
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with (
        distributed.LocalCluster(n_workers=2, processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield


@pytest.fixture(scope="module")
def cluster():
    with two_processes():
        yield


@pytest.fixture
def every_block_is_sent(monkeypatch):
    monkeypatch.setattr(blocks, "SMALL_WORK", 0)


def send(monkeypatch, work):
    monkeypatch.setattr(blocks, "delayed", lambda _: joblib.delayed(work))


def once(path):
    """Whether nobody has been here before."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def recorded(folder, *rest):
    once(os.path.join(folder, str(os.getpid())))
    return blocks._in_worker(*rest)


def killed(folder, parent, *rest):
    """`blocks._in_worker`, whose fourth task kills the process it runs in."""
    number = next(n for n in range(1000) if once(os.path.join(folder, str(n))))
    if number == 3 and os.getpid() != parent:
        Path(folder, "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return blocks._in_worker(*rest)


def singular(inverse, parent, *rest):
    """`blocks._in_worker`, where a block cannot be inverted."""
    if os.getpid() == parent:
        raise AssertionError("this should run elsewhere")
    blocks._paths_of = partial(inverse, blocks._paths_of)
    try:
        return blocks._in_worker(*rest)
    finally:
        (blocks._paths_of,) = blocks._paths_of.args


def of_one_unit(paths_of, shared, stack):
    for task, *_ in stack:
        with blocks._naming(task.name):
            if task.name == "the block of unit 3 in layer 2":
                raise LinAlgError("not positive definite")
    return paths_of(shared, stack)


def test_a_cluster_does_not_change_a_bit(iris, tmp_path, monkeypatch, cluster, every_block_is_sent):
    alone = small(**UNITS, n_jobs=1).fit(*iris)
    send(monkeypatch, partial(recorded, str(tmp_path)))
    with joblib.parallel_config(backend="dask"):
        together = small(**UNITS, n_jobs=-1).fit(*iris)
    where = {path.name for path in tmp_path.iterdir()}
    assert where
    assert str(os.getpid()) not in where
    assert_same(together, alone)


def test_a_worker_dies(iris, tmp_path, monkeypatch, every_block_is_sent):
    alone = small(**UNITS, n_jobs=1).fit(*iris)
    send(monkeypatch, partial(killed, str(tmp_path), os.getpid()))
    with two_processes(), joblib.parallel_config(backend="dask"):
        together = small(**UNITS, n_jobs=-1).fit(*iris)
    assert (tmp_path / "died").exists()
    assert_same(together, alone)


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_an_error_in_a_worker_arrives(iris, monkeypatch, request, every_block_is_sent, backend):
    if backend == "dask":
        request.getfixturevalue("cluster")
    before, clf = (small(**UNITS, n_jobs=2, target_sparsity=0.2).fit(*iris) for _ in range(2))
    send(monkeypatch, partial(singular, of_one_unit, os.getpid()))
    name = "the block of unit 3 in layer 2: not positive definite"
    with joblib.parallel_config(backend=backend), pytest.raises(LinAlgError, match=name):
        clf.prune(*iris, target_sparsity=0.6)
    assert_same(clf, before)
    np.testing.assert_array_equal(clf.predict_proba(iris[0]), before.predict_proba(iris[0]))
