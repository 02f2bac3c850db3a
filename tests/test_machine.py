"""What is said of the machine's memory, and that BLAS has one thread within its context only."""

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

# private: the files that a container is known by are made up here
from sklearn_obs import machine
from sklearn_obs.machine import SMALL_FLOPS, blas_threads_for, one_blas_thread


def threads():
    return [library["num_threads"] for library in ThreadpoolController().info()]


@pytest.mark.parametrize("context", [one_blas_thread, lambda: blas_threads_for(SMALL_FLOPS / 2)])
def test_one_thread_within(context):
    with threadpool_limits(2):
        before = threads()
        with context():
            assert set(threads()) == {1}
        assert threads() == before


def test_large_work_keeps_its_threads():
    with threadpool_limits(2):
        before = threads()
        with blas_threads_for(SMALL_FLOPS):
            assert threads() == before


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
