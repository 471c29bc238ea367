"""Processes that a daemon under test started and left behind.

Beside the layers. Its own test is in `tests/functional/farmtesting/test_daemons.py`.
"""

import contextlib
import os
import signal
from pathlib import Path

from buildfarm.farmtesting.procfs import is_running


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
