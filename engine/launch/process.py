"""Which process is which: a pid together with when it began, so that a recycled pid is another."""

import os
import sys


def read_start(pid: int) -> float | None:
    """When process `pid` began, in its system's own count; None when it is gone or unreaped.

    A process that ended but was not reaped (state Z) keeps its pid and its start: it counts as gone.
    """
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # the command in parentheses may itself hold spaces and parentheses
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else float(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def is_same(pid: int, start: float) -> bool:
    return read_start(pid) == start


def resident_mb() -> float:
    """Resident memory of this process, in MiB."""
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)
