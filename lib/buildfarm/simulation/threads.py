"""Threads on virtual time: which of them runs, and for how long, follows from the seed.

Beside the layers. Tests: tests/unit/simulation.

Most jobs of the manager's threads (acts, queries, file work) wait for nothing but the disk. Such a
job happens whole, at the moment at which it ends; what comes before and after it is open to
everything else. The jobs of the upload threads wait for children and for the reactor. Each of those
runs in a real thread, of which one at a time goes on: it is handed the turn at a virtual moment and
hands it back when it waits. Nothing is left to the kernel's scheduler.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from buildfarm.simulation.disk import Disk
from buildfarm.simulation.world import World

T = TypeVar("T")


class Killed(BaseException):
    """The process that this thread belonged to was killed: nothing of it goes on."""


class Turn(threading.local):
    """The simulated thread that is running; None in the thread of the world itself."""

    thread: "SimulatedThread | None" = None


_turn = Turn()


def current_thread() -> "SimulatedThread":
    """The simulated thread that asks."""
    assert _turn.thread is not None, "this waits, and is for simulated threads"
    return _turn.thread


def in_simulated_thread() -> bool:
    """Whether the caller runs in one."""
    return _turn.thread is not None


class SimulatedThread:
    """A real thread that runs only while the world waits for it."""

    def __init__(self, world: World, function: Callable[[], None]) -> None:
        """`function` begins when `start` is called; Killed ends it in silence."""
        self._world = world
        self._function = function
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.alive = False
        self._killed = False

    def start(self) -> None:
        """Let it run, up to its first wait."""
        self.alive = True
        self._thread.start()
        self._back.acquire()

    def kill(self) -> None:
        """End it where it waits."""
        if self.alive:
            self._killed = True
            self._resume()
            self._thread.join()

    def wait_for(self, deferred: Deferred[T]) -> T:
        """In the thread: wait until `deferred` fires; its result, or its error raised."""
        results: list[Any] = []

        def fired(result: Any) -> None:
            results.append(result)
            self._world.callLater(0, self._resume)

        deferred.addBoth(fired)
        self._pause()
        (result,) = results
        if isinstance(result, Failure):
            result.raiseException()
        return result  # type: ignore[no-any-return]

    def sleep(self, seconds: float) -> None:
        """In the thread: wait so long."""
        self._world.callLater(seconds, self._resume)
        self._pause()

    def _run(self) -> None:
        _turn.thread = self
        try:
            self._function()
        except Killed:
            pass
        finally:
            self.alive = False
            self._back.release()

    def _resume(self) -> None:
        if self.alive:
            self._go.release()
            self._back.acquire()

    def _pause(self) -> None:
        if not self._killed:
            self._back.release()
            self._go.acquire()
        if self._killed:
            raise Killed


def wait_in_thread(reactor: Any, call: Callable[[], Any]) -> Any:
    """What `twisted.internet.threads.blockingCallFromThread` is in a simulated thread."""
    made: Deferred[Any] = Deferred()

    def make() -> None:
        maybeDeferred(call).chainDeferred(made)

    reactor.callFromThread(make)
    return current_thread().wait_for(made)


class SimulatedCrew:
    """The threads of one pool of a manager: `flow.threads.Crew` on virtual time.

    At most `size` jobs are under way; each takes as long as `seconds()` says and happens at the end
    of that time. After `kill` nothing happens any more.
    """

    def __init__(self, world: World, size: int, seconds: Callable[[], float]) -> None:
        self._world = world
        self._free = size
        self._seconds = seconds
        self._jobs: deque[Callable[[], None]] = deque()
        self._killed = False

    def do(self, job: Callable[[], None]) -> None:
        """Have a thread do `job` as soon as one is free."""
        self._jobs.append(job)
        self._begin()

    def quit(self) -> None:
        """Nothing is held that would have to end."""

    def kill(self) -> None:
        """Do nothing more: the process was killed."""
        self._killed = True

    def _begin(self) -> None:
        while self._free and self._jobs and not self._killed:
            self._free -= 1
            self._world.callLater(self._seconds(), self._do, self._jobs.popleft())

    def _do(self, job: Callable[[], None]) -> None:
        if not self._killed:
            job()
            self._ended()

    def _ended(self) -> None:
        self._free += 1
        self._begin()


class BlockingCrew(SimulatedCrew):
    """A pool whose jobs may wait, each in a `SimulatedThread`."""

    def __init__(self, world: World, size: int, seconds: Callable[[], float]) -> None:
        super().__init__(world, size, seconds)
        self._threads: dict[SimulatedThread, None] = {}

    def kill(self) -> None:
        """End each thread where it waits."""
        super().kill()
        for thread in list(self._threads):
            thread.kill()

    def _do(self, job: Callable[[], None]) -> None:
        if self._killed:
            return

        def work() -> None:
            job()
            del self._threads[thread]
            self._world.callLater(0, self._ended)

        thread = SimulatedThread(self._world, work)
        self._threads[thread] = None
        thread.start()


class FileCrew(SimulatedCrew):
    """The file threads: their jobs find the disk as it is at that moment."""

    def __init__(self, world: World, size: int, seconds: Callable[[], float], disk: Disk) -> None:
        super().__init__(world, size, seconds)
        self._disk = disk

    def _do(self, job: Callable[[], None]) -> None:
        with self._disk.in_use():
            super()._do(job)
