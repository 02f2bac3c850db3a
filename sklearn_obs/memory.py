"""How much memory there is, so that a matrix is refused before it is taken.

Linux says what it could give without swapping, and a container's limit may be lower; elsewhere it
is all that the machine has, or unknown.
"""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available_bytes():
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


def readable(n_bytes):
    """'1.2 GB'."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if n_bytes < 1000 or unit == "TB":
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
