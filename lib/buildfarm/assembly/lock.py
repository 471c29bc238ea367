"""The manager's lock: one process at a time works on a state directory.

Layer 6. Held by the daemon while it runs, and by a command that works without one.
Tests: tests/functional/commands.
"""

from buildfarm.flow.lockfiles import HeldLock, holder, try_hold
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import Settings


def hold_lock(settings: Settings) -> HeldLock:
    """Take the lock. Raises Refused where another manager, or a command, holds it."""
    settings.manager.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    lock = try_hold(settings.lock_file)
    if lock is None:
        raise Refused(
            f"Another manager works in {settings.manager.state_dir} (process "
            f"{holder(settings.lock_file)}); stop it first."
        )
    return lock
