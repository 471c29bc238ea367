"""Bodies as they come: bounded, and given up when they are too slow."""

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.bodystream import AHEAD, MIN_RATE, SPAN, BodyStream
from buildfarm.vocab.errors import BodyLost


class Sender:
    """A connection that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def invite(self) -> None:
        """The body is wanted."""
        self.asked.append("invite")

    def pause(self) -> None:
        """No more for now."""
        self.asked.append("pause")

    def resume(self) -> None:
        """More."""
        self.asked.append("resume")

    def abort(self) -> None:
        """Never more."""
        self.asked.append("abort")


class BodyStreamTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sender = Sender()
        self.body = BodyStream(self.clock, self.sender, 10 * AHEAD)
        self.body.hold()

    def test_nothing_before_it_is_wanted(self) -> None:
        """The client is asked to send when there is a reader, and not before."""
        self.assertEqual(["pause"], self.sender.asked)
        reading = ensureDeferred(self.body.read())
        self.assertEqual(["pause", "invite", "resume"], self.sender.asked)
        self.body.received(b"some")
        self.assertEqual(b"some", self.successResultOf(reading))
        self.body.ended()

    def test_bounded(self) -> None:
        """What nobody reads stops the client; what is read at last is all of it."""
        ensureDeferred(self.body.read())
        self.body.received(b"a")
        self.sender.asked.clear()
        self.body.received(bytes(AHEAD))
        self.assertEqual([], self.sender.asked)
        self.body.received(b"b")
        self.assertEqual(["pause"], self.sender.asked)
        self.assertEqual(AHEAD + 1, len(self.successResultOf(self.body.read())))
        self.assertEqual(["pause", "resume"], self.sender.asked)
        self.body.ended()
        self.assertEqual(b"", self.successResultOf(self.body.read()))

    def test_too_slow(self) -> None:
        """Less than the rate over the span: the connection is closed, and the reader told why."""
        reading = ensureDeferred(self.body.read())
        self.body.received(bytes(int(MIN_RATE * SPAN)))
        self.successResultOf(reading)
        self.clock.advance(SPAN)
        reading = ensureDeferred(self.body.read())
        self.assertNoResult(reading)
        self.clock.advance(SPAN)
        self.failureResultOf(reading, BodyLost)
        self.assertIn("abort", self.sender.asked)

    def test_slow_because_of_us(self) -> None:
        """A client that was kept from sending is not called slow for it."""
        ensureDeferred(self.body.read())
        self.body.received(b"a")
        self.body.received(bytes(2 * AHEAD))
        self.clock.advance(SPAN)
        self.assertNotIn("abort", self.sender.asked)
        self.body.ended()

    def test_gone(self) -> None:
        """A client that goes half-way leaves nothing that could be taken for the whole."""
        ensureDeferred(self.body.read())
        self.body.received(b"a")
        self.body.received(b"b")
        self.body.lost("gone")
        self.failureResultOf(self.body.read(), BodyLost)

    def test_not_wanted_any_more(self) -> None:
        """What is dropped goes on being taken from the client, and is kept nowhere."""
        self.body.received(b"a")
        self.body.drop()
        self.sender.asked.clear()
        self.body.received(bytes(5 * AHEAD))
        self.assertEqual([], self.sender.asked)
