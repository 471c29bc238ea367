"""Layer 2: blocking functions in a bounded pool of threads, awaited in the reactor thread.

Results come back through `reactor.callFromThread`, one call for all that ended since the reactor
last looked, so that a burst of short jobs wakes the reactor once.

Tests: tests/unit/flow/test_threads.py, tests/functional/flow/test_threads.py.
"""

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred

from buildfarm.flow.reactors import ThreadReactor
from buildfarm.vocab.errors import Stopped

P = ParamSpec("P")
T = TypeVar("T")


class Crew(Protocol):
    """The threads of a pool, or what stands for them in a test."""

    def do(self, job: Callable[[], None]) -> None:
        """Have one of the threads call `job`, which does not raise."""

    def quit(self) -> None:
        """End each thread once the jobs before this call are done."""


class ThreadCrew:
    """`size` daemon threads that take jobs from one queue; started at the first job.

    Daemons, so that a thread which never returns from the kernel cannot keep the process from
    ending.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._started = False

    def do(self, job: Callable[[], None]) -> None:
        """Have the next free thread call `job`."""
        if not self._started:
            self._started = True
            for number in range(1, self._size + 1):
                name = f"{self._name}-{number}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        self._jobs.put(job)

    def quit(self) -> None:
        """Put one end mark for each thread behind the jobs."""
        if self._started:
            for _ in range(self._size):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # what it refers to must not live on until the next job comes


class _Job:
    """One call on its way through a thread and back to its caller."""

    __slots__ = ("_call", "_ended", "abandoned", "done", "error", "result")

    def __init__(self, call: Callable[[], Any], ended: Callable[["_Job"], None]) -> None:
        self._call = call
        self._ended = ended
        self.abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.done: Deferred[None] = Deferred(self._abandon)

    def _abandon(self, _done: Deferred[None]) -> None:
        self.abandoned = True

    def __call__(self) -> None:
        try:
            if not self.abandoned:
                self.result = self._call()
        except BaseException as error:  # noqa: BLE001 - the caller's, not the thread's
            self.error = error
        self._ended(self)


class Workers:
    """A pool of `size` threads in front of which at most `bound` jobs are queued.

    Callers beyond the bound wait outside, in order: pressure goes to whoever asks for more. Used
    from the reactor thread only. `crew` replaces the threads in tests.
    """

    def __init__(
        self,
        reactor: ThreadReactor,
        size: int,
        bound: int,
        name: str,
        crew: Crew | None = None,
    ) -> None:
        self.name = name
        self.size = size
        self._reactor = reactor
        self._most_handed = size + bound
        self._crew = ThreadCrew(size, name) if crew is None else crew
        self._handed: set[_Job] = set()
        self._outside: deque[_Job] = deque()
        self._ended: deque[_Job] = deque()
        self._delivery_due = False
        self._stopping = False
        self._idle: Deferred[None] | None = None

    @property
    def running(self) -> int:
        """How many jobs the threads are at, as known in the reactor thread."""
        return min(len(self._handed), self.size)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a thread, in the queue and outside it."""
        return max(len(self._handed) - self.size, 0) + len(self._outside)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread; its result, or its exception with the thread's traceback.

        A cancelled caller gets CancelledError at once: work that had not begun is not begun, work
        that had goes on to its end and its result is dropped. Raises Stopped after `stop`.
        """
        if self._stopping:
            raise Stopped(f"The {self.name} threads have been stopped and take no more work.")
        job = _Job(lambda: function(*args, **kwargs), self._job_ended)
        if len(self._handed) < self._most_handed:
            self._hand(job)
        else:
            self._outside.append(job)
        await job.done
        if job.error is None:
            result: T = job.result
            return result
        try:
            raise job.error
        finally:
            job.error = None  # breaks the cycle job → traceback → this frame → job

    async def stop(self, deadline: float) -> bool:
        """Take no more work and wait until what was taken is done, at most `deadline` seconds.

        Returns whether all of it was. What was not: its callers get Stopped; a thread that is
        still in a blocking call is left behind.
        """
        self._stopping = True
        if self._handed:
            self._idle = Deferred()
            timer = self._reactor.callLater(deadline, self._idle.callback, None)
            try:
                await self._idle
            finally:
                self._idle = None
                if timer.active():
                    timer.cancel()
        left = [*self._handed, *self._outside]
        self._outside.clear()
        self._crew.quit()
        for job in left:
            job.abandoned = True
            if not job.done.called:
                job.done.errback(Stopped(f"The {self.name} threads were stopped meanwhile."))
        return not left

    def _hand(self, job: _Job) -> None:
        self._handed.add(job)
        self._crew.do(job)

    def _job_ended(self, job: _Job) -> None:
        """In the worker's thread: see that the reactor thread will deliver this result."""
        self._ended.append(job)
        if not self._delivery_due:
            self._delivery_due = True
            self._reactor.callFromThread(self._deliver)

    def _deliver(self) -> None:
        # Lowered before the queue is emptied: a job that ends from here on asks for another call.
        self._delivery_due = False
        while self._ended:
            job = self._ended.popleft()
            self._handed.discard(job)
            while self._outside and len(self._handed) < self._most_handed:
                waiting = self._outside.popleft()
                if not waiting.abandoned:
                    self._hand(waiting)
            if not job.done.called:
                job.done.callback(None)
        if self._idle is not None and not self._handed and not self._idle.called:
            self._idle.callback(None)
