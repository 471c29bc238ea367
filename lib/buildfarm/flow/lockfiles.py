"""Layer 2: lock files that outlive the manager in the hands of its children.

A lock is a `flock` on an open file, so whoever inherits the descriptor holds it too: a reset or an
upload that outlives its manager still holds its lock, and the next manager sees that. The kernel
frees a lock with the last descriptor, whatever becomes of the processes. Lock files are never
removed, since a lock on a removed file excludes nobody.

All functions block, if only for the file system, and are for worker threads and child processes.

Tests: tests/functional/flow/test_lockfiles.py.
"""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from buildfarm.flow.eintr import retrying_eintr
from buildfarm.vocab.errors import LockHeld

#: Seconds that a terminated, and then a killed, holder has to let go.
_TERMINATE_GRACE = 5.0
_KILL_GRACE = 5.0

_POLL = 0.02


class HeldLock:
    """A lock that this process holds; `fileno()` is what a child inherits to hold it as well."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    def fileno(self) -> int:
        """The locked descriptor; not inheritable until it is passed on by name."""
        if self._descriptor is None:
            raise ValueError(f"The lock {self.path} has been given up.")
        return self._descriptor

    def release(self) -> None:
        """Free the lock, also where children have inherited it. Again: nothing happens."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.leave()

    def leave(self) -> None:
        """Give up our own share only: children that inherited the lock hold it further."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def hand_over(self) -> "HeldLock":
        """The same lock as its new owner's; this object gives nothing up any more."""
        taken = HeldLock(self.path, self.fileno())
        self._descriptor = None
        return taken

    def __enter__(self) -> "HeldLock":
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def try_hold(path: Path) -> HeldLock | None:
    """Take the lock now and write this process's id into the file, or None where it is held.

    The file is made where there is none, readable by its owner only. Raises OSError where that
    fails.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        retrying_eintr(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, os.pwrite(descriptor, b"%d\n" % os.getpid(), 0))
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return HeldLock(path, descriptor)


def hold(
    path: Path,
    within: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> HeldLock | None:
    """Take the lock as soon as it is free, or None where it is not within so many seconds."""
    until = clock() + within
    while (lock := try_hold(path)) is None and clock() < until:
        sleep(_POLL)
    return lock


def holder(path: Path) -> int | None:
    """The id of a process that holds the lock, None where nobody does or it cannot be told.

    The id in the file is only where the search begins: its process may have ended and left the
    lock to a child, or the id may be another's by now. What counts is the kernel's word that a
    process has this very file open and locked.
    """
    real = os.path.realpath(path)
    try:
        named = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        named = None
    if named is not None and _holds(named, real):
        return named
    others = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return next((pid for pid in others if _holds(pid, real)), None)


def clear(
    path: Path,
    grace: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the lock is free, seeing to it that it gets free.

    For the holder that outlived its manager, before its builder or archive is used again. It has
    `grace` seconds to end by itself; then its process group is terminated, 5 s later killed.
    `clock` gives seconds. Raises LockHeld where even that does not free the lock.
    """
    if not path.exists() or _gets_free(path, grace, clock, sleep):
        return
    _signal_holder(path, signal.SIGTERM)
    if _gets_free(path, _TERMINATE_GRACE, clock, sleep):
        return
    until = clock() + _KILL_GRACE
    while clock() < until:  # a holder may have left the lock to processes of other groups
        _signal_holder(path, signal.SIGKILL)
        if _gets_free(path, 10 * _POLL, clock, sleep):
            return
    pid = holder(path)
    raise LockHeld(f"{path} is still held by process {pid}, which cannot be killed.", pid)


def _gets_free(
    path: Path, within: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> bool:
    lock = hold(path, within, clock=clock, sleep=sleep)
    if lock is None:
        return False
    lock.release()
    return True


def _signal_holder(path: Path, number: signal.Signals) -> None:
    pid = holder(path)
    if pid is None:
        return
    try:
        group = os.getpgid(pid)
        if group == os.getpgrp():
            raise LockHeld(f"{path} is held by process {pid} of our own process group.", pid)
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _holds(pid: int, real_path: str) -> bool:
    """Whether process `pid` has this file open and locked."""
    process = Path(f"/proc/{pid}")
    try:
        descriptors = [entry.name for entry in (process / "fd").iterdir()]
    except OSError:  # it is gone, or somebody else's
        return False
    return any(_is_lock(process, descriptor, real_path) for descriptor in descriptors)


def _is_lock(process: Path, descriptor: str, real_path: str) -> bool:
    try:
        return (
            str((process / "fd" / descriptor).readlink()) == real_path
            and "FLOCK" in (process / "fdinfo" / descriptor).read_text()
        )
    except OSError:  # closed meanwhile
        return False
