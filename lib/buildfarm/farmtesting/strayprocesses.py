"""Processes that a daemon under test started and left behind.

Beside the layers. Its own test is in `tests/functional/farmtesting/test_daemons.py`.
"""

import os
import signal
from pathlib import Path


def kill_processes_in(directory: Path) -> None:
    """Kill every process whose working directory is `directory` or below it, until none is left.

    A build may have left its process group, but it works in the directory that its test owns.
    """
    while strays := processes_in(directory):
        for process in strays:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


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
