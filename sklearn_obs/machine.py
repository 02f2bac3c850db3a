"""What the machine offers: how much memory there is, and how many BLAS threads work at once.

Memory is looked up so that a matrix which does not fit is refused before it is taken. Linux says
what it could give without swapping, and a container's limit may be lower; elsewhere the answer is
all that the machine has, or unknown.

numpy and scipy each bring a BLAS with a pool of threads. How it shares a sum among them changes the
sum's last bits, so that a fit in a worker, which has fewer threads, would differ from a fit
outside. And on arrays of some thousand numbers the pools wait for each other, and for every other
process, longer than they compute. So everything from the initial training on is done with one BLAS
thread.
"""

import os
import threading
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from threadpoolctl import ThreadpoolController

CGROUP = Path("/sys/fs/cgroup")


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


class _OneBlasThread:
    """A context with one BLAS thread in the whole process, for as long as anybody is in it.

    The number of BLAS threads belongs to the process, not to a thread: whoever is first sets it to
    1, whoever is last restores what there was. So it may be entered again, and by several threads.
    """

    def __init__(self):
        self._forget()
        if hasattr(os, "register_at_fork"):  # the child has none of the threads that are in it
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
                _take_control()  # it may have been another thread that set the limit
                self._limits.restore_original_limits()
                self._limits = None
                _take_control()  # and give it up


def _take_control():
    """threadpoolctl lets one thread alone set limits from 3.8 on: forget which one that was."""
    for library in _libraries().lib_controllers:
        forget = getattr(library, "clear_controlling_thread", None)
        if forget is not None:
            forget(force=True)


@cache
def _libraries():
    """Those that are loaded, looked for once: it takes milliseconds, as long as a round may."""
    return ThreadpoolController()


_ONE_BLAS_THREAD = _OneBlasThread()


def one_blas_thread() -> AbstractContextManager:
    """A context with one BLAS thread: in it, results do not depend on the machine's cores."""
    return _ONE_BLAS_THREAD
