"""What the machine offers: how much memory there is, and how many BLAS threads work at once.

Memory is looked up so that a matrix which does not fit is refused before it is taken. Linux says
what it could give without swapping, and a container's limit may be lower; elsewhere the answer is
all that the machine has, or unknown.

numpy and scipy each bring a BLAS with a pool of threads. On arrays of some thousand numbers the two
pools wait for each other, and for every other process on the machine, longer than they compute. So
small work is done with one BLAS thread.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path

from threadpoolctl import ThreadpoolController

CGROUP = Path("/sys/fs/cgroup")
SMALL_FLOPS = 2e8  # a few milliseconds of one core


def available_bytes() -> float:
    """Bytes that this process could take now; infinite where nothing tells."""
    return min(_machine(), _container())


def _machine():
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":") for line in lines)
        return 1024 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _container():
    """What control group version 2 leaves; its file cache can be given up."""
    try:
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        lines = (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
        return max(limit - used + cached, 0)
    except (OSError, KeyError, ValueError):  # no such group, or "max": no limit
        return float("inf")


def readable(n_bytes: float) -> str:
    """'1.2 GB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


@cache
def _libraries():
    """Those that are loaded, looked for once: it takes milliseconds, as long as a round may."""
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager:
    """A context with one BLAS thread."""
    return _libraries().limit(limits=1)


def blas_threads_for(flops: float) -> AbstractContextManager:
    """A context with one BLAS thread if the largest piece of work has fewer than `SMALL_FLOPS`."""
    return one_blas_thread() if flops < SMALL_FLOPS else nullcontext()
