"""What the kernel says of processes.

Beside the layers. Tests: tests/functional/farmtesting/test_daemons.py.
"""

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


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
