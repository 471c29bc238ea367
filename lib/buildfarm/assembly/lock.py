"""The manager's lock: one process at a time works on a state directory.

Layer 6. A daemon holds it for as long as it runs, and answers at its control socket; a command that
works without a daemon holds it for a moment. So whoever finds it taken can tell which it is, and
waits only where waiting helps. Tests: tests/unit/assembly/test_lock.py,
tests/functional/commands/test_without_daemon.py.
"""

import os
import pwd
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from buildfarm.admin.client import NobodyListens, connect
from buildfarm.flow.lockfiles import HeldLock, holder, try_hold
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import Settings

#: Seconds for which a starting daemon waits for commands that work without one.
PATIENCE = 10.0

_POLL = 0.05


class LockTaken(Refused):
    """Another manager, or a command, works in this state directory."""


def hold_lock(settings: Settings) -> HeldLock:
    """Take the lock now. Raises LockTaken where another manager, or a command, holds it.

    Raises Refused where the state directory is another user's: what we make there the daemon, which
    runs as that user, could not use.
    """
    directory = settings.manager.state_dir
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        _require_ours(directory)
        lock = try_hold(settings.lock_file)
    except OSError as error:
        raise Refused(f"{error.filename} cannot be used: {error.strerror}.") from error
    if lock is None:
        raise LockTaken(
            f"Another manager works in {directory} (process {holder(settings.lock_file)}); "
            "stop it first."
        )
    return lock


def _require_ours(directory: Path) -> None:
    owner = directory.stat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"user {owner}"
    raise Refused(
        f"{directory} belongs to {name}, and no manager answers: start it first, or give this "
        f"command as {name}."
    )


async def wait_for_lock(reactor: Any, settings: Settings) -> HeldLock:
    """Take the lock as soon as commands that hold it have ended.

    Raises LockTaken at once where a daemon has it, and after PATIENCE seconds where a command has.
    """
    give_up = reactor.seconds() + PATIENCE
    while True:
        try:
            return hold_lock(settings)
        except LockTaken:
            if daemon_answers(settings) or reactor.seconds() > give_up:
                raise
        await deferLater(reactor, _POLL)


def daemon_answers(settings: Settings) -> bool:
    """Whether a daemon listens at the control socket, be it one that we may not talk to."""
    try:
        connect(settings.control_socket).close()
    except NobodyListens:
        return False
    except Refused:
        return True
    return True
