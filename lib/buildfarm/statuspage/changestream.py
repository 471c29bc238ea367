"""`/+events`: what has changed, as server-sent events.

Each event is called `changes`, has the JSON of `Changes.after` for data, and the id of the last
change that it tells of. A viewer who comes again with that id misses nothing. A slow one gets what
has gathered meanwhile in one event. The stream ends when who looks is not who they were: when their
session ends, or what they may see changes.

Layer 5. Tests: tests/functional/statuspage/test_changes.py.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults

from buildfarm.flow.wakeup import Wakeup
from buildfarm.identity.gate import Gate
from buildfarm.statuspage.answers import Answer, Declined, Stream
from buildfarm.statuspage.changes import Changes
from buildfarm.statuspage.eventstream import QUIET, EventStream
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.shares import Shares
from buildfarm.verdicts.permissions import private_seen
from buildfarm.vocab.errors import FarmError

#: Viewers at once; whoever comes then has pages that do not change by themselves.
MAX_VIEWERS = 2000


class Viewer:
    """One stream, from `event` on. `still_same` says whether they are who they were."""

    def __init__(
        self,
        reactor: Any,
        events: EventStream,
        changes: Changes,
        seen: frozenset[str] | None,
        still_same: Callable[[], Awaitable[bool]],
    ) -> None:
        self._events = events
        self._changes = changes
        self._seen = seen
        self._still_same = still_same
        self._wakeup = Wakeup(reactor)
        self._leaving = False
        self._doubted = False

    def leave(self) -> None:
        """End soon: the farm stops."""
        self._leaving = True
        self._wakeup.wake()

    def doubt(self) -> None:
        """Ask again who they are: people or their rights have changed."""
        self._doubted = True
        self._wakeup.wake()

    async def run(self, event: int) -> None:
        """Tell what changes, from the first after `event` on; 0 is now."""
        with self._changes.watching(self._wakeup.wake):
            while not self._leaving:
                told = self._changes.after(event, self._seen) if event else None
                event = max(event, self._changes.last)
                if told is not None:
                    await self._events.send("changes", told, str(event))
                woken = await self._wakeup.sleep(QUIET)
                if not woken:
                    self._events.stay()
                if (self._doubted or not woken) and not await self._still_same():
                    return
                self._doubted = False


class ChangeStreams:
    """All of them."""

    def __init__(self, reactor: Any, gate: Gate, changes: Changes) -> None:
        self._reactor = reactor
        self._gate = gate
        self._changes = changes
        self._viewers: dict[Viewer, Deferred[None]] = {}
        self._places = Shares(MAX_VIEWERS)
        self.routes = (Route("/+events", self.show),)

    @property
    def viewers(self) -> int:
        """How many look on."""
        return len(self._viewers)

    async def show(self, visit: Visit) -> Answer:
        """What changes from now on, or from the event that the viewer names. Raises Declined."""
        if not self._places.has_place(visit.address):
            sentence = "Too many look on at this moment; this page does not change by itself."
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, sentence, {"Retry-After": "60"})
        named = visit.headers.get("last-event-id") or visit.query.get("after", "")
        is_event = named.isascii() and named.isdecimal() and len(named) < 19
        return Stream(partial(self._send, visit, int(named) if is_event else 0))

    def doubt(self) -> None:
        """Have everybody who looks on looked at again."""
        for viewer in self._viewers:
            viewer.doubt()

    async def stop(self) -> None:
        """End all of them."""
        for viewer in self._viewers:
            viewer.leave()
        await gatherResults(list(self._viewers.values()))

    async def _send(self, visit: Visit, event: int, request: Any) -> None:
        seen, person = private_seen(visit.visitor), visit.visitor.person

        async def still_same() -> bool:
            try:
                now = await self._gate.either(request)
            except FarmError:
                return False
            return (private_seen(now), now.person) == (seen, person)

        events = EventStream(self._reactor, request)
        viewer = Viewer(self._reactor, events, self._changes, seen, still_same)
        events.begin()
        if request.method == b"HEAD":
            events.end()
            return
        running = Deferred.fromCoroutine(viewer.run(event))
        request.notifyFinish().addErrback(lambda _failure: running.cancel())
        ended: Deferred[None] = Deferred()
        self._viewers[viewer] = ended
        try:
            with self._places.taken(visit.address):
                await running
        except CancelledError:
            return
        finally:
            del self._viewers[viewer]
            ended.callback(None)
        events.end()
