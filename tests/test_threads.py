"""BLAS has one thread within the context, and what it had before after it."""

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

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
