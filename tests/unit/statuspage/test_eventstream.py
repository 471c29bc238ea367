"""Server-sent events for one viewer."""

from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.eventstream import STALL_DEADLINE, EventStream


class _Request:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.headers: dict[str, str] = {}
        self.producer: Any = None
        self.finished = self.aborted = self._disconnected = False
        self.transport = self

    def setHeader(self, name: str, value: str) -> None:
        self.headers[name] = value

    def registerProducer(self, producer: Any, _streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.written += data

    def finish(self) -> None:
        self.finished = True

    def abortConnection(self) -> None:
        self.aborted = True


class EventStreamTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request = _Request()
        self.events = EventStream(self.clock, self.request)
        self.events.begin()

    def send(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.events.send("log", b"{}", "1:20"))

    def test_nobody_there(self) -> None:
        """A viewer who is gone is told nothing more, not even that this was the end."""
        self.request._disconnected = True
        self.events.end()
        self.assertFalse(self.request.finished)

    def test_events(self) -> None:
        """As browsers read them: no cache, a name, one line of data, and a place to go on from."""
        self.assertEqual("no-store", self.request.headers["cache-control"])
        self.assertTrue(self.request.headers["content-type"].startswith("text/event-stream"))
        self.successResultOf(self.send())
        self.assertTrue(self.request.written.endswith(b"id: 1:20\nevent: log\ndata: {}\n\n"))
        self.events.end()
        self.assertTrue(self.request.finished)

    def test_a_slow_viewer(self) -> None:
        """The next event waits until what was sent has been taken."""
        self.events.pauseProducing()
        sending = self.send()
        self.assertNoResult(sending)
        self.events.resumeProducing()
        self.successResultOf(sending)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_one_that_takes_nothing(self) -> None:
        """It is disconnected after a while."""
        self.events.pauseProducing()
        self.clock.advance(STALL_DEADLINE)
        self.assertTrue(self.request.aborted)
        self.events.stopProducing()
