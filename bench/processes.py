"""Processes of a benchmark, each ended by who started it; and what they took."""

import os
import subprocess
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")

#: Seconds to end after SIGTERM.
_GRACE = 15.0


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL; to this process only."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, with all its threads, so far: clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def cpu_seconds_of_tree(pid: int) -> float:
    """The same with that of its children, those that live and those that have ended."""
    return sum(_times(pid)) / _TICKS + sum(map(cpu_seconds_of_tree, _children(pid)))


def memory(pid: int) -> int:
    """Bytes of memory that a process has resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _times(pid: int) -> tuple[int, int, int, int]:
    """utime, stime, cutime and cstime of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return user, system, children_user, children_system


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
