"""The children that upload into simulated archives.

Beside the layers. Tests: tests/unit/simulation.

To the manager they are what `flow.forks` gives it. Each takes its time for every step; between any
two a child may be killed, hang, or find that it has outlived its manager.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.simulation.archives import Archive, digest_of
from buildfarm.simulation.threads import Killed, SimulatedThread, current_thread
from buildfarm.simulation.world import World
from buildfarm.uploads.checking import CheckJob
from buildfarm.uploads.jobs import UploadJob
from buildfarm.vocab.errors import (
    ChildTimedOut,
    ConversationEnded,
    FarmError,
    UploadPostponed,
    UploadRefused,
)

#: Seconds of a step of an upload.
_STEP = 0.2

#: Seconds for which the child of a killed manager is waited for before it is killed.
_ORPHAN_GRACE = 10.0


class UploadChildren:
    """Starts the upload children of one manager: its `flow.forks.ForkServer`."""

    def __init__(self, world: World, archives: Mapping[str, Archive], luck: "Luck") -> None:
        self._world = world
        self._archives = archives
        self._luck = luck
        self._children: list[UploadChild] = []

    def start(self, function: str, argument: object = None) -> "UploadChild":
        """A child that checks what `argument` says, or one that waits for uploads."""
        self._children = [child for child in self._children if child.alive]
        child = UploadChild(self._world, self._archives, self._luck)
        self._children.append(child)
        if isinstance(argument, CheckJob):
            child.check(argument)
        return child

    def stop(self) -> None:
        """Nothing runs that would have to end."""

    def kill(self) -> None:
        """The manager was killed: each child finds that out when it next reports."""
        for child in self._children:
            child.orphan()


class Luck:
    """What becomes of upload children: seconds of a step, and whether it is the last one."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        #: One step in so many kills its child, or hangs for ever; 0: none does.
        self.deadly = 0
        self.hanging = 0

    def step(self) -> float | None:
        """Seconds that the next step takes; None where it never ends."""
        if self.deadly and not self._chance.randrange(self.deadly):
            raise Killed
        if self.hanging and not self._chance.randrange(self.hanging):
            return None
        return self._chance.expovariate(1 / _STEP)


class UploadChild:
    """One child: `flow.forks.Child` for the manager, and the thread that stands for its process."""

    def __init__(self, world: World, archives: Mapping[str, Archive], luck: Luck) -> None:
        self._world = world
        self._archives = archives
        self._luck = luck
        self._thread: SimulatedThread | None = None
        self._orphaned = False
        self._said: list[dict[str, object]] = []
        self._listening: Deferred[None] | None = None
        self._told: Deferred[None] | None = None
        self.alive = True

    # The manager's side.

    def send(self, value: Any) -> None:
        """An upload, or that the child may go on."""
        if isinstance(value, UploadJob):
            self._begin(lambda: self._publish(value))
        elif self._told is not None:
            told, self._told = self._told, None
            told.callback(None)

    def receive(self, deadline: float) -> dict[str, object]:
        """What the child says next."""
        if not self._said and self.alive:
            self._listening = Deferred()
            timer = self._world.callLater(deadline, self._wake)
            current_thread().wait_for(self._listening)
            if timer.active():
                timer.cancel()
        if self._said:
            return self._said.pop(0)
        if self.alive:
            raise ChildTimedOut("The child did not answer in time.")
        raise ConversationEnded("The child has ended.")

    def wait(self, deadline: float) -> int:
        """It is gone at once: its exit code."""
        return -9

    def close(self) -> None:
        """Kill it."""
        self._end()
        if self._thread is not None:
            self._thread.kill()

    def orphan(self) -> None:
        """Its manager is gone."""
        self._orphaned = True
        if self._told is not None or self._thread is None:
            self.close()

    def _wake(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.callback(None)

    def check(self, job: CheckJob) -> None:
        """Check results, and say which packages may be published."""
        self._begin(lambda: self._say(self._checked(job)))

    def __enter__(self) -> "UploadChild":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # The child's own side.

    def _begin(self, work: Callable[[], None]) -> None:
        def until_killed() -> None:
            try:
                work()
            except Killed:
                self._end()
                raise

        self._thread = SimulatedThread(self._world, until_killed)
        self._world.callLater(0, self._thread.start)

    def _checked(self, job: CheckJob) -> dict[str, object]:
        """The results are on our disk as they were gathered; what else is checked has its tests."""
        self._step()
        try:
            wrong = [file.name for file in job.results if digest_of(file.path) != file.sha256]
        except OSError as error:
            return {"postponed": str(error)}
        if wrong:
            return {"refused": f"{wrong[0]} is not what was gathered"}
        packages = [
            [number, *file.name.removesuffix(".deb").split("_"), True]
            for number, file in enumerate(job.results)
            if file.name.endswith(".deb")
        ]
        return {"packages": packages} if packages else {"refused": "there is no package"}

    def _publish(self, job: UploadJob) -> None:
        archive = self._archives[job.task.archive.name]
        try:
            outcome = self._outcome(job, archive)
        finally:
            if archive.busy is self:
                archive.busy = None
        self._say(outcome)

    def _outcome(self, job: UploadJob, archive: Archive) -> dict[str, object]:
        try:
            self._step()
            self._take(archive)
            if archive.trouble == "refuses":
                raise UploadPostponed(f"The archive {archive.name} takes nothing now.")
            while archive.trouble == "hangs":
                current_thread().sleep(1.0)
            archive.publish(job, self._report, self._world.seconds)
        except UploadRefused as error:
            return {"refused": str(error)}
        except (FarmError, OSError) as error:
            return {"postponed": str(error)}
        return {"published": True}

    def _take(self, archive: Archive) -> None:
        """Take the archive's lock; an orphan that holds it is waited for, then killed."""
        until = self._world.seconds() + _ORPHAN_GRACE
        while (other := archive.busy) is not None:
            if self._world.seconds() > until:
                other.close()
            current_thread().sleep(0.1)
        archive.busy = self

    def _report(self, step: str) -> None:
        self._say({"step": step})
        self._told = Deferred()
        current_thread().wait_for(self._told)
        self._step()

    def _step(self) -> None:
        seconds = self._luck.step()
        if seconds is None:
            current_thread().wait_for(Deferred())
        else:
            current_thread().sleep(seconds)

    def _say(self, message: dict[str, object]) -> None:
        if self._orphaned:
            self._end()
            raise Killed
        self._said.append(message)
        self._world.callLater(0, self._wake)

    def _end(self) -> None:
        if self.alive:
            self.alive = False
            self._world.callLater(0, self._wake)
