"""The bounded end of what a child prints."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.outputs import Tail


class TailTests(FarmTestCase):
    """What is kept of a stream, and what is said of the rest."""

    @given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
    def test_keeps_the_end(self, chunks: list[bytes], limit: int) -> None:
        """Whatever the chunks, the last bytes are kept and the others counted."""
        tail = Tail(limit)
        for chunk in chunks:
            tail.add(chunk)
        everything = b"".join(chunks)
        self.assertEqual(everything[-limit:].decode(errors="replace"), tail.text)
        self.assertEqual(max(0, len(everything) - limit), tail.dropped)

    def test_undecodable(self) -> None:
        """Bytes that are no UTF-8, or half of a character, are replaced, not refused."""
        tail = Tail(3)
        tail.add("äé".encode() + b"\xff")
        self.assertEqual("é\ufffd", tail.text)
        tail = Tail(2)
        tail.add("äé".encode() + b"\xff")
        self.assertEqual("\ufffd\ufffd", tail.text)
