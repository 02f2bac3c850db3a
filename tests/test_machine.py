"""What is said of the machine's memory, and that BLAS has one thread within its context only."""

import os
import threading
import time
import warnings

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

# private: the files that a container is known by are made up, and a lock is held
from sklearn_obs import machine
from sklearn_obs.machine import one_blas_thread


def threads():
    blas = ThreadpoolController().select(user_api="blas")
    return [library["num_threads"] for library in blas.info()]


def test_one_thread_within_and_what_there_was_after():
    with threadpool_limits(2):
        before = threads()
        with one_blas_thread():
            assert set(threads()) == {1}
            with one_blas_thread():  # entered again
                assert set(threads()) == {1}
            assert set(threads()) == {1}
        assert threads() == before
        with pytest.raises(KeyError), one_blas_thread():
            raise KeyError
        assert threads() == before


def test_who_leaves_first_takes_nothing_from_the_others():
    """Ten threads enter and leave in every order; each sees one BLAS thread as long as it is in."""
    seen, start = [], threading.Barrier(10)

    def task(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(20):
            with one_blas_thread():
                time.sleep(1e-4 * rng.random())
                seen.append(set(threads()))

    with threadpool_limits(2):
        before = threads()
        workers = [threading.Thread(target=task, args=(seed,)) for seed in range(10)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert threads() == before
    assert len(seen) == 200
    assert all(found == {1} for found in seen)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_is_free_of_its_parent_s_threads():
    """A lock that another thread held at the fork would never be released in the child."""
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with machine._ONE_BLAS_THREAD._lock:
            held.set()
            go_on.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, that a process with threads forks
        child = os.fork()
    if not child:
        with one_blas_thread():
            os._exit(0)
    _, status = os.waitpid(child, 0)
    go_on.set()
    holder.join()
    assert status == 0


def test_memory_of_the_machine(tmp_path, monkeypatch):
    assert 2**20 < machine.available_bytes() < 2**60
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    assert machine._container() == float("inf")
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "memory.stat").write_text("anon 2000000\ninactive_file 500000\n")
    assert machine.available_bytes() == 2_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._container() == float("inf")
    assert machine.readable(567_000_000_000) == "567 GB"
    assert machine.readable(12) == "12 bytes"
