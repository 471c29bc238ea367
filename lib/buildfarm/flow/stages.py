"""Layer 2: a stage: a bounded queue, and consumers of which each key has at most one.

Tests: tests/unit/flow/test_stages.py.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock
from buildfarm.vocab.errors import Stopped

Item = TypeVar("Item")


class Stage(Generic[Item]):
    """Consumes items, `workers` at once but one at a time of each key, keys in turn.

    A key whose item hangs holds up its own items and one worker, nobody else's. `bound` items may
    wait; whoever brings more waits outside. A `consume` that fails is logged: what is to follow
    from a failure is for `consume` itself.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        name: str,
        consume: Callable[[Item], Coroutine[Deferred[Any], Any, None]],
        *,
        key: Callable[[Item], Hashable],
        workers: int,
        bound: int,
    ) -> None:
        self.name = name
        self._reactor = reactor
        self._consume = consume
        self._key = key
        self._workers = workers
        self._bound = bound
        self._queues: dict[Hashable, deque[Item]] = {}
        self._ready: deque[Hashable] = deque()
        self._running: dict[Hashable, Deferred[None]] = {}
        self._waiting = 0
        self._outside: deque[tuple[Item, Deferred[None]]] = deque()
        self._idle: list[Deferred[None]] = []
        self._stopped = False
        self._filling = False

    @property
    def waiting(self) -> int:
        """How many items wait, in the queue and outside it."""
        return self._waiting + len(self._outside)

    @property
    def running(self) -> int:
        """How many items are being consumed."""
        return len(self._running)

    def offer(self, item: Item) -> bool:
        """Take `item` if there is room for it; returns whether there was."""
        if self._stopped or self._waiting >= self._bound:
            return False
        self._take(item)
        self._fill()
        return True

    async def put(self, item: Item) -> None:
        """Return once `item` has a place in the queue. Raises Stopped after `stop`."""
        if self._stopped:
            raise Stopped(f"The {self.name} stage has been stopped and takes nothing more.")
        if not self.offer(item):
            room: Deferred[None] = Deferred()
            self._outside.append((item, room))
            await room

    async def drain(self) -> None:
        """Return when nothing waits and nothing is being consumed."""
        if self._running or self._waiting:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle

    async def stop(self, deadline: float) -> tuple[Item, ...]:
        """Begin nothing more, give what is being consumed `deadline` seconds, then cancel it.

        Returns, when nothing is being consumed any more, the items that were in the queue.
        Callers still outside get Stopped.
        """
        self._stopped = True
        left = tuple(item for queue in self._queues.values() for item in queue)
        self._queues.clear()
        self._ready.clear()
        self._waiting = 0
        while self._outside:
            _, room = self._outside.popleft()
            if not room.called:
                room.errback(Stopped(f"The {self.name} stage was stopped meanwhile."))
        timer = self._reactor.callLater(deadline, self._cancel_running)
        await self.drain()
        if timer.active():
            timer.cancel()
        return left

    def _take(self, item: Item) -> None:
        key = self._key(item)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            if key not in self._running:
                self._ready.append(key)
        queue.append(item)
        self._waiting += 1

    def _fill(self) -> None:
        """Begin what can begin. Not within itself, where an item is consumed at once."""
        if self._filling:
            return
        self._filling = True
        while self._ready and len(self._running) < self._workers:
            self._begin(self._ready.popleft())
            self._admit()
        self._filling = False
        if not self._running and not self._waiting:
            idle, self._idle = self._idle, []
            for deferred in idle:
                deferred.callback(None)

    def _begin(self, key: Hashable) -> None:
        queue = self._queues[key]
        item = queue.popleft()
        if not queue:
            del self._queues[key]
        self._waiting -= 1
        self._running[key] = consumed = Deferred.fromCoroutine(self._consume(item))
        consumed.addErrback(self._log_failure, item).addBoth(self._ended, key)

    def _ended(self, _: object, key: Hashable) -> None:
        del self._running[key]
        if key in self._queues:
            self._ready.append(key)
        self._fill()

    def _admit(self) -> None:
        """Let in whoever waits outside, as far as there is room now."""
        while self._outside and self._waiting < self._bound:
            item, room = self._outside.popleft()
            if not room.called:  # else: its caller was cancelled
                self._take(item)
                room.callback(None)

    def _log_failure(self, failure: Failure, item: Item) -> None:
        if self._stopped and failure.check(CancelledError):
            return
        self.log.failure("{stage}: {item}", failure, stage=self.name, item=item)

    def _cancel_running(self) -> None:
        for consumed in list(self._running.values()):
            consumed.cancel()
