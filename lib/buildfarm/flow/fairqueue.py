"""Layer 2: the reactor thread's time, shared out in turn.

What many keys (builders, each with its own scanner) want to do in the reactor thread waits here
for its turn: keys are served round robin, and after a time slice the reactor gets back to its
sockets before the next one, so that input is read before more work is begun. However much one key
asks for, another waits for at most one turn of every key before it.

Tests: tests/unit/flow/test_fairqueue.py.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import TypeVar

from twisted.internet.defer import Deferred

from buildfarm.flow.reactors import Clock

T = TypeVar("T")


class FairQueue:
    """Round robin by key, at most `slice_seconds` in one turn of the reactor.

    A single step is never interrupted: a slice ends with the step that fills it. `cpu_clock` gives
    the seconds of CPU that this thread has used. Waiting turns are as many as there are callers.
    """

    def __init__(
        self,
        reactor: Clock,
        slice_seconds: float = 0.003,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._reactor = reactor
        self._slice = slice_seconds
        self._cpu_clock = cpu_clock
        self._turns: dict[Hashable, deque[Deferred[None]]] = {}
        self._ring: deque[Hashable] = deque()
        self._cpu_used = 0.0
        self._serving = False

    @property
    def waiting(self) -> int:
        """How many turns are waited for."""
        return sum(map(len, self._turns.values()))

    @property
    def cpu_used(self) -> float:
        """Seconds of CPU that all steps have used."""
        return self._cpu_used

    def turn(self, key: Hashable) -> Deferred[None]:
        """Fires when it is the turn of `key`; never within this call.

        What the awaiting coroutine does up to its next wait is its step: it counts against the
        slice.
        """
        turn: Deferred[None] = Deferred()
        turns = self._turns.get(key)
        if turns is None:
            turns = self._turns[key] = deque()
            self._ring.append(key)
        turns.append(turn)
        if not self._serving:
            self._serving = True
            self._reactor.callLater(0, self._serve)
        return turn

    async def submit(self, key: Hashable, thunk: Callable[[], T]) -> T:
        """Call `thunk` when it is the turn of `key`; its result or exception is this caller's."""
        await self.turn(key)
        return thunk()

    def _serve(self) -> None:
        begun = self._reactor.seconds()
        cpu = self._cpu_clock()
        # Also ends when the clock was set back meanwhile.
        while self._ring and 0 <= self._reactor.seconds() - begun < self._slice:
            key = self._ring.popleft()
            turns = self._turns[key]
            turn = turns.popleft()
            if turns:
                self._ring.append(key)
            else:
                del self._turns[key]
            if turn.called:  # cancelled
                continue
            turn.callback(None)
        self._cpu_used += self._cpu_clock() - cpu
        self._serving = bool(self._ring)
        if self._serving:
            self._reactor.callLater(0, self._serve)
