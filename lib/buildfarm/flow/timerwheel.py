"""Layer 2: tens of thousands of deadlines on one timer of the reactor.

The reactor keeps its timers in a heap, which is dear for deadlines that are nearly always
cancelled. Here starting and cancelling one is a dictionary entry each; a deadline is never early,
and late by less than one granularity.

Tests: tests/unit/flow/test_timerwheel.py.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.logger import Logger

from buildfarm.flow.reactors import Clock, Timer


class WheelTimer:
    """One deadline on a wheel: `call` is made when the wheel has turned to `slot`, then None."""

    __slots__ = ("_drop", "call", "slot")

    def __init__(
        self, slot: int, call: Callable[[], Any], drop: Callable[["WheelTimer"], None]
    ) -> None:
        self.slot = slot
        self.call: Callable[[], Any] | None = call
        self._drop = drop

    @property
    def active(self) -> bool:
        """Whether the call is still to be made."""
        return self.call is not None

    def cancel(self) -> None:
        """Do not make the call. When it was made, or again: nothing happens."""
        if self.call is not None:
            self.call = None
            self._drop(self)


class TimerWheel:
    """Deadlines, each rounded up to a multiple of `granularity` seconds: its slot.

    While there are any, one timer of the reactor turns the wheel once per granularity.
    """

    log = Logger()

    def __init__(self, reactor: Clock, granularity: float) -> None:
        self._reactor = reactor
        self._granularity = granularity
        self._slots: dict[int, dict[WheelTimer, None]] = {}
        self._turned_to = 0
        self._turning: Timer | None = None

    @property
    def pending(self) -> int:
        """How many deadlines are on the wheel."""
        return sum(map(len, self._slots.values()))

    def start(self, seconds: float, function: Callable[..., Any], *args: object) -> WheelTimer:
        """Call `function` in `seconds`; what it raises is logged and disturbs no other."""
        now = self._reactor.seconds()
        if self._turning is None:
            self._turned_to = math.floor(now / self._granularity)
            self._turn_later(now)
        slot = math.ceil((now + seconds) / self._granularity)
        slot = max(slot, self._turned_to + 1)
        timer = WheelTimer(slot, partial(function, *args), self._drop)
        self._slots.setdefault(slot, {})[timer] = None
        return timer

    def _turn_later(self, now: float) -> None:
        next_slot = (self._turned_to + 1) * self._granularity
        self._turning = self._reactor.callLater(max(0.0, next_slot - now), self._turn)

    def _turn(self) -> None:
        self._turning = None
        before = self._turned_to
        self._turned_to = max(before, math.floor(self._reactor.seconds() / self._granularity))
        due: Sequence[int] = range(before + 1, self._turned_to + 1)
        if len(due) > len(self._slots):  # the reactor stood still, or the clock was set
            due = sorted(slot for slot in self._slots if slot <= self._turned_to)
        for slot in due:
            for timer in list(self._slots.pop(slot, ())):
                self._fire(timer)
        if self._slots:
            self._turn_later(self._reactor.seconds())

    def _fire(self, timer: WheelTimer) -> None:
        call, timer.call = timer.call, None
        if call is not None:  # None: cancelled by one that was called just before
            with self.log.failuresHandled("in a call made by a timer wheel"):
                call()

    def _drop(self, timer: WheelTimer) -> None:
        timers = self._slots.get(timer.slot)
        if timers is None:
            return
        timers.pop(timer, None)
        if not timers:
            del self._slots[timer.slot]
        if not self._slots and self._turning is not None:
            self._turning.cancel()
            self._turning = None
