"""Virtual time: what happens in a simulated farm, and when.

Beside the layers. Tests: tests/unit/simulation.

There is one queue of things to come, ordered by time and, at the same time, by the order in which
they were asked for. The clock jumps from one to the next. Chance comes from named streams: each
thing that has any (a builder, a link, an upload) draws from a stream of its own, which follows from
the seed and its name. So what one thing does changes no other's luck, and a plan from which half
was taken away leaves the other half as it was.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any


class Happening:
    """A call to come; what Twisted calls a delayed call."""

    __slots__ = ("_call", "_world", "order", "time")

    def __init__(
        self,
        world: "World",
        time: float,
        order: int,
        call: Callable[[], Any],
    ) -> None:
        self._world = world
        self._call: Callable[[], Any] | None = call
        self.time = time
        self.order = order

    def __lt__(self, other: "Happening") -> bool:
        return (self.time, self.order) < (other.time, other.order)

    def active(self) -> bool:
        """Whether it is still to come."""
        return self._call is not None

    def cancel(self) -> None:
        """Do not let it happen."""
        assert self._call is not None, "it has happened, or was cancelled"
        self._call = None

    def reset(self, seconds: float) -> None:
        """Let it happen `seconds` from now instead."""
        assert self._call is not None, "it has happened, or was cancelled"
        self._world.move(self, seconds)

    def getTime(self) -> float:
        """When it will happen."""
        return self.time

    def happen(self) -> None:
        """Make the call, unless it was cancelled."""
        call, self._call = self._call, None
        if call is not None:
            call()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what happened in the world, outside the manager's own events."""

    time: float
    subject: str
    text: str


class World:
    """A virtual clock with everything that will happen, and the chance of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        #: What happened, in its order.
        self.entries: list[Entry] = []
        self._now = 0.0
        self._asked = 0
        self._coming: list[tuple[float, int, Happening]] = []
        self._streams: dict[str, Random] = {}

    def chance(self, name: str) -> Random:
        """A new stream of chance that is named so: the same each time."""
        return Random(f"{self.seed}/{name}")

    def stream(self, name: str) -> Random:
        """The one stream of chance that is named so, wherever it has come to."""
        if name not in self._streams:
            self._streams[name] = self.chance(name)
        return self._streams[name]

    def seconds(self) -> float:
        """Seconds since the world began."""
        return self._now

    def callLater(
        self, delay: float, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Happening:
        """Call `function` in `delay` seconds."""
        assert delay >= 0, f"{function} cannot be called {-delay} s ago"
        self._asked += 1
        time = self._now + delay
        call = partial(function, *args, **kwargs) if args or kwargs else function
        happening = Happening(self, time, self._asked, call)
        heapq.heappush(self._coming, (time, self._asked, happening))
        return happening

    def move(self, happening: Happening, seconds: float) -> None:
        """Let `happening` come in `seconds`. Where that is later, its old place is kept for now."""
        self._asked += 1
        later = self._now + seconds >= happening.time
        happening.time, happening.order = self._now + seconds, self._asked
        if not later:
            heapq.heappush(self._coming, (happening.time, happening.order, happening))

    def note(self, subject: str, text: str) -> None:
        """Keep a line of what happened."""
        self.entries.append(Entry(self._now, subject, text))

    def run(self, until: float, over: Callable[[], bool] = lambda: False) -> bool:
        """Let everything happen up to the moment `until`, or until it is `over`; whether it is.

        `over` is asked after each happening.
        """
        coming = self._coming
        while coming and coming[0][0] <= until:
            time, order, happening = heapq.heappop(coming)
            if not happening.active():
                continue
            if order != happening.order:  # it was moved: this is its old place
                heapq.heappush(coming, (happening.time, happening.order, happening))
                continue
            self._now = time
            happening.happen()
            if over():
                return True
        self._now = max(self._now, until)
        return over()
