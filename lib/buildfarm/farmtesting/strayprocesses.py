"""Processes that a daemon under test started and left behind.

Beside the layers. Its own test is in `tests/functional/farmtesting/test_daemons.py`.
"""

import contextlib
import os
import signal
from pathlib import Path


def kill_processes_in(directory: Path) -> None:
    """Kill every process whose working directory is `directory` or below it, until none is left.

    A build may have left its process group, but it works in the directory that its test owns.
    """
    while strays := processes_in(directory):
        for process in strays:
            kill_process(process)


def kill_process(pid: int) -> None:
    """Kill a process and return when it does not run any more, reaped or not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while is_running(pid):
        os.sched_yield()


def is_running(pid: int) -> bool:
    """Whether this process runs; one that waits for its parent to take note of its end does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def processes_in(directory: Path) -> list[int]:
    """The ids of the living processes that work in `directory` or below it."""
    top = directory.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            where = (entry / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(top):
            found.append(int(entry.name))
    return found
