"""Resets of virtual builders, by a command that the operator configured.

Layer 3; DESIGN section 5, rule 10. Tests: tests/unit/builders/test_reset_arguments.py,
tests/functional/builders/test_resets.py.

The command is a child process that holds a lock file of its builder. A reset that outlived a
killed manager still holds it: it is waited for, in the reactor, so that no thread stands still for
it; past the deadline it is killed. Only then is this builder reset again.
"""

from collections.abc import Sequence
from pathlib import Path

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.task import deferLater

from buildfarm.builders.address import BuilderAddress
from buildfarm.flow import lockfiles
from buildfarm.flow.children import run_command
from buildfarm.flow.durable import full_disk_named
from buildfarm.flow.lockfiles import HeldLock
from buildfarm.flow.reactors import ProcessReactor
from buildfarm.flow.threads import Workers
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import LockHeld, Refused, ResetFailed
from buildfarm.vocab.names import is_name
from buildfarm.vocab.secrets import without_secrets
from buildfarm.vocab.settings import ResetSettings

#: Seconds between looks at whether an orphaned reset has ended.
_POLL_ORPHAN = 0.5


def reset_arguments(command: Sequence[str], builder: BuilderSnapshot) -> list[str]:
    """`command` for `builder`: `%(vm_host)s` and `%(buildd_name)s` replaced in each argument.

    The values are names: nothing in them is a separator, and none begins with a dash. Raises
    ResetFailed where there is no command, or one of the values is not a name.
    """
    if not command:
        raise ResetFailed(f"{builder.name} is virtual and [resets] command is empty: set it")
    try:
        buildd_name = BuilderAddress.parse(builder.url).buildd_name
    except Refused as error:
        raise ResetFailed(f"{builder.name} cannot be reset: {error}") from error
    values = {"vm_host": builder.vm_host or "", "buildd_name": buildd_name}
    for name, value in values.items():
        if not is_name(value.lower()):
            raise ResetFailed(f"{builder.name} cannot be reset: {value!r} is no {name}")
    arguments = list(command)
    for name, value in values.items():
        arguments = [argument.replace(f"%({name})s", value) for argument in arguments]
    return arguments


class Resetter:
    """Runs reset commands, at most `settings.per_vm_host` at once on each VM host."""

    def __init__(
        self, reactor: ProcessReactor, settings: ResetSettings, locks_dir: Path, workers: Workers
    ) -> None:
        self._reactor = reactor
        self.settings = settings
        self._locks_dir = locks_dir
        self._workers = workers
        self._places: dict[str, DeferredSemaphore] = {}

    @property
    def waiting(self) -> int:
        """How many resets wait for others on the same VM host."""
        return sum(len(places.waiting) for places in self._places.values())

    async def reset(self, builder: BuilderSnapshot) -> str:
        """Run the reset command of `builder`; the end of what it printed.

        Raises ResetFailed, with that output, where the command does not end well in time; DiskFull,
        ChildError or OSError where it could not be started, which is no fault of the builder's.
        """
        arguments = reset_arguments(self.settings.command, builder)
        places = self._places_of(builder.vm_host or "")
        await places.acquire()
        try:
            lock = await self._take_lock(builder)
            result = await run_command(
                self._reactor,
                arguments,
                deadline=self.settings.deadline,
                max_output=self.settings.max_output,
                lock=lock,
            )
        except LockHeld as error:
            raise ResetFailed(f"{builder.name} cannot be reset: {error}") from error
        finally:
            places.release()
        output = without_secrets(result.output)
        if not result.succeeded:
            raise ResetFailed(f"the reset command of {builder.name} {result.ending}", output)
        return output

    async def earlier_over(self, builder: BuilderSnapshot) -> None:
        """Return once no reset that an earlier manager began is at work on `builder`.

        A clean builder too may have one coming: the end of a reset was reported while the next
        one was under way, and the manager that had begun that was killed. Raises LockHeld,
        DiskFull or OSError where that cannot be told.
        """
        if builder.virtualized:
            (await self._take_lock(builder)).release()

    def _places_of(self, vm_host: str) -> DeferredSemaphore:
        if vm_host not in self._places:
            self._places[vm_host] = DeferredSemaphore(self.settings.per_vm_host)
        return self._places[vm_host]

    async def _take_lock(self, builder: BuilderSnapshot) -> HeldLock:
        """The lock of this builder's resets, once an orphan has let go of it, or was made to."""
        path = self._locks_dir / f"reset-{builder.name}"
        give_up = self._reactor.seconds() + self.settings.deadline
        while (lock := await self._workers.run(_try_hold, path)) is None:
            if self._reactor.seconds() >= give_up:
                await self._workers.run(lockfiles.clear, path, 0.0)
            else:
                await deferLater(self._reactor, _POLL_ORPHAN)  # type: ignore[arg-type]
        return lock


def _try_hold(path: Path) -> HeldLock | None:
    with full_disk_named(path):
        return lockfiles.try_hold(path)
