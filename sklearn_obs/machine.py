"""The machine: its available memory, and a context in which the BLAS uses one thread.

The available memory is compared with estimates, so that an error can be raised before a matrix is
allocated that does not fit. Linux reports how much memory it could give without swapping, and a
container may have a lower limit. On other systems it is the total memory, or unknown.

numpy and scipy each bring a BLAS with a pool of threads. The number of threads among which a sum is
divided changes its last bits, so a fit in a worker, which has fewer threads, would differ from
other fits. And for arrays of some thousand numbers, the pools spend more time waiting for each
other and for other processes than computing. So everything from the initial training on uses one
BLAS thread.
"""

import os
import threading
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from threadpoolctl import ThreadpoolController

CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> float:
    """Bytes of memory that this process could allocate now; infinite if that is not known."""
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
    """Bytes left in the limit of control group version 2; its file cache counts as free."""
    try:
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        lines = (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
        return max(limit - used + cached, 0)
    except (OSError, KeyError, ValueError):  # no such group, or "max": no limit
        return float("inf")


def readable(n_bytes: float) -> str:
    """A number of bytes for messages, such as '1.2 GB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


class _OneBlasThread:
    """A context manager with one BLAS thread in the whole process, while anyone is inside it.

    The number of BLAS threads belongs to the process, not to a thread. The first to enter sets it
    to 1, and the last to leave restores the old number. So the context can be entered repeatedly,
    also by several threads at once.
    """

    def __init__(self):
        self._forget()
        if hasattr(os, "register_at_fork"):  # threads that are inside do not exist in the child
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self):
        self._lock, self._n_inside, self._limits = threading.Lock(), 0, None

    def __enter__(self):
        with self._lock:
            if not self._n_inside:
                _take_control()
                self._limits = _libraries().limit(limits=1, user_api="blas")
            self._n_inside += 1

    def __exit__(self, *_):
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                _take_control()  # another thread may have set the limit
                self._limits.restore_original_limits()
                self._limits = None
                _take_control()  # let others set limits again


def _take_control():
    """Clear the thread that may set limits: from threadpoolctl 3.8 on, only one thread may."""
    for library in _libraries().lib_controllers:
        forget = getattr(library, "clear_controlling_thread", None)
        if forget is not None:
            forget(force=True)


@cache
def _libraries():
    """The loaded libraries. The search takes milliseconds, like a small round, and is made once."""
    return ThreadpoolController()


_ONE_BLAS_THREAD = _OneBlasThread()


def one_blas_thread() -> AbstractContextManager:
    """A context manager with one BLAS thread, so that results do not depend on the CPU cores."""
    return _ONE_BLAS_THREAD
