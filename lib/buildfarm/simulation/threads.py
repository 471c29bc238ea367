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


class _Lane:
    """A real thread that is handed the turn and hands it back; used again and again."""

    def __init__(self) -> None:
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._work: Callable[[], None] = _nothing
        threading.Thread(target=self._run, daemon=True, name="simulated").start()

    def begin(self, work: Callable[[], None]) -> None:
        """Hand `work` to the thread, and the turn, until it is handed back."""
        self._work = work
        self.go_on()

    def go_on(self) -> None:
        """Hand over the turn, until it is handed back."""
        self._go.release()
        self._back.acquire()

    def hand_back(self) -> None:
        """In the thread: let the others go on, until the turn comes again."""
        self._back.release()
        self._go.acquire()

    def _run(self) -> None:
        while True:
            self._go.acquire()
            self._work()
            self._work = _nothing
            _free.append(self)
            self._back.release()


#: Lanes that wait for work.
_free: list[_Lane] = []


def _nothing() -> None:
    """What a thread does that has nothing to do."""


class SimulatedThread:
    """A thread that runs only while the world waits for it."""

    def __init__(self, world: World, function: Callable[[], None]) -> None:
        """`function` begins when `start` is called; Killed ends it in silence."""
        self._world = world
        self._function = function
        self._lane: _Lane | None = None
        self._killed = False

    def start(self) -> None:
        """Let it run, up to its first wait."""
        if not self._killed:
            self._lane = _free.pop() if _free else _Lane()
            self._lane.begin(self._run)

    def kill(self) -> None:
        """End it where it waits, or before it has begun."""
        self._killed = True
        self._resume()

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
            _turn.thread = None
            self._lane = None

    def _resume(self) -> None:
        if self._lane is not None:
            self._lane.go_on()

    def _pause(self) -> None:
        assert self._lane is not None, "it runs"
        if not self._killed:
            self._lane.hand_back()
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
