"""What the kernel says of processes.

Beside the layers. Tests: tests/functional/farmtesting/test_daemons.py.
"""

import os
from contextlib import suppress
from pathlib import Path


def state_of(pid: int) -> str | None:
    """The letter of the process's state, Z for one that is to be reaped, None for no process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_running(pid: int) -> bool:
    """Whether this process runs; one that waits for its parent to take note of its end does not."""
    return state_of(pid) not in {None, "X", "Z"}


def open_descriptors(pid: int | None = None) -> int:
    """How many descriptors a process has open, this one unless told otherwise."""
    return sum(1 for _ in Path(f"/proc/{pid or 'self'}/fd").iterdir())


def descriptor_targets() -> list[str]:
    """What each open descriptor of this process leads to."""
    targets = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them is closed by now
            targets.append(os.readlink(entry))  # noqa: PTH115 - `pipe:[1]` is no path
    return targets


def resident_memory(pid: int | None = None) -> int:
    """The bytes of memory that a process has now, this one unless told otherwise."""
    return _kilobytes(pid, "VmRSS:") * 1024


def peak_memory(pid: int | None = None) -> int:
    """The most bytes of memory that a process had since its start, or since `forget_peak`."""
    return _kilobytes(pid, "VmHWM:") * 1024


def forget_peak() -> None:
    """Have `peak_memory` of this process begin from what it has now."""
    Path("/proc/self/clear_refs").write_text("5")


def _kilobytes(pid: int | None, name: str) -> int:
    lines = Path(f"/proc/{pid or 'self'}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
