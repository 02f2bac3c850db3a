"""One BLAS thread for small work, where a second one costs more than it does.

numpy and scipy each bring a BLAS with a pool of threads; on arrays of some thousand numbers the two
pools wait for each other, and for every other process on the machine, longer than they compute.
"""

from contextlib import nullcontext

from threadpoolctl import threadpool_limits

SMALL_FLOPS = 2e8  # a few milliseconds of one core


def blas_threads_for(flops):
    """A context with one BLAS thread if the largest piece of work has fewer than `SMALL_FLOPS`."""
    return threadpool_limits(1) if flops < SMALL_FLOPS else nullcontext()
