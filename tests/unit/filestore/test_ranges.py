"""Which part of a file a `Range` header asks for."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.ranges import UnsatisfiableRangeError, wanted_range


class WantedRangeTest(FarmTestCase):
    """RFC 9110, section 14.1.2, for a single range."""

    def test_satisfiable(self) -> None:
        """First and last position, from a position on, and the last so many bytes."""
        for header, expected in (
            (b"bytes=0-0", range(1)),
            (b"bytes=2-5", range(2, 6)),
            (b"bytes=2-", range(2, 10)),
            (b"bytes=9-", range(9, 10)),
            (b"bytes=5-999", range(5, 10)),
            (b"bytes=-3", range(7, 10)),
            (b"bytes=-999", range(10)),
            (b" bytes=1-2 ", range(1, 3)),
        ):
            self.assertEqual(expected, wanted_range(header, 10), header)

    def test_outside(self) -> None:
        """A range with no byte of the file in it cannot be satisfied."""
        for header, size in ((b"bytes=10-", 10), (b"bytes=-0", 10), (b"bytes=0-", 0)):
            self.assertRaises(UnsatisfiableRangeError, wanted_range, header, size)

    def test_ignored(self) -> None:
        """Without the header, or with one that is not understood, the whole file is wanted."""
        for header in (
            *(None, b"", b"bytes", b"bytes=", b"bytes=-", b"bytes=a-b", b"lines=1-2"),
            *(b"bytes=5-2", b"bytes=0-1,4-5", b"bytes=" + b"9" * 5000 + b"-", b"bytes=-1\n-"),
        ):
            self.assertIsNone(wanted_range(header, 10), header)

    @given(st.binary(max_size=40), st.integers(0, 100))
    def test_any_header_is_answered(self, header: bytes, size: int) -> None:
        """Whatever a client sends, the answer lies within the file."""
        for sent in (header, b"bytes=" + header):
            try:
                wanted = wanted_range(sent, size)
            except UnsatisfiableRangeError:
                continue
            self.assertTrue(wanted is None or 0 <= wanted.start < wanted.stop <= size)
