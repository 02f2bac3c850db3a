"""One BLAS thread for small work, where a second one costs more than it does.

numpy and scipy each bring a BLAS with a pool of threads; on arrays of some thousand numbers the two
pools wait for each other, and for every other process on the machine, longer than they compute.
"""

from contextlib import nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

SMALL_FLOPS = 2e8  # a few milliseconds of one core


@cache
def _libraries():
    """Those that are loaded, looked for once: it takes milliseconds, as long as a round may."""
    return ThreadpoolController()


def one_blas_thread():
    """A context with one BLAS thread."""
    return _libraries().limit(limits=1)


def blas_threads_for(flops):
    """A context with one BLAS thread if the largest piece of work has fewer than `SMALL_FLOPS`."""
    return one_blas_thread() if flops < SMALL_FLOPS else nullcontext()
