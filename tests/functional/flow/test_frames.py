"""Messages over a stream socket."""

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.frames import Frames
from buildfarm.vocab.errors import ChildError, ChildTimedOut, ConversationEnded


class FramesTests(FarmTestCase):
    """What arrives at the other end, and what is refused."""

    def setUp(self) -> None:
        super().setUp()
        ours, self.theirs = socket.socketpair()
        self.addCleanup(self.theirs.close)
        self.time = 0.0
        self.frames = Frames(ours, 1000, "The child", clock=lambda: self.time)
        self.addCleanup(self.frames.close)

    @given(st.lists(st.binary(max_size=1000), max_size=5))
    def test_arrives_whole(self, messages: list[bytes]) -> None:
        """Messages arrive as they were sent, in order, the empty one too."""
        peer = Frames(self.theirs, 1000, "The manager")
        for message in messages:
            peer.send(message, 5)
        self.assertEqual(messages, [self.frames.receive(5) for _ in messages])

    def test_too_large(self) -> None:
        """A message over the limit is neither sent nor taken; it is not even read."""
        self.assertRaises(ChildError, self.frames.send, b"x" * 1001, 5)
        self.theirs.sendall(struct.pack(">I", 1001))
        self.assertRaises(ChildError, self.frames.receive, 5)

    def test_other_end_gone(self) -> None:
        """An end in the middle of a message, or before one, is the end of the conversation."""
        self.theirs.sendall(struct.pack(">I", 10) + b"half")
        self.theirs.close()
        self.assertRaises(ConversationEnded, self.frames.receive, 5)
        self.assertRaises(ConversationEnded, self.frames.receive, None)
        self.assertRaises(ConversationEnded, self.frames.send, b"hello?", 5)

    def test_not_in_time(self) -> None:
        """A message has to be complete before the deadline, whatever trickles in meanwhile."""
        self.assertRaises(ChildTimedOut, self.frames.receive, 0.01)

        class Trickling:
            """A connection that gives a byte a second."""

            def settimeout(connection, seconds: float) -> None:  # noqa: N805
                pass

            def recv(connection, size: int) -> bytes:  # noqa: N805
                self.time += 1
                return b"\0"

        trickle = Frames(Trickling(), 1000, "The child", clock=lambda: self.time)
        self.assertRaises(ChildTimedOut, trickle.receive, 2.5)
        self.assertEqual(3.0, self.time)

    def test_nobody_takes_it(self) -> None:
        """A peer that takes nothing is waited for until the deadline."""
        frames = Frames(self.theirs, 10_000_000, "The child")
        self.assertRaises(ChildTimedOut, frames.send, b"x" * 10_000_000, 0.01)
