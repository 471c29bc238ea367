"""Parts of a build log, as pages show them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.logparts import PIECE, LogPart, part_before, part_from


class _Bytes:
    """A log in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, start: int, length: int) -> bytes:
        return self.content[start : start + length]


#: Logs of several parts, with long lines, short lines and whatever bytes there are.
LOGS = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\n", b"x" * 100 + b"\n", "ü€😀".encode() * 400, b"y" * PIECE]),
    ),
    max_size=40,
).map(lambda pieces: b"\n".join(pieces) * 3)


def texts(part: LogPart) -> list[str]:
    return ["".join(run.text for run in line) for line in part.lines]


class PartTests(FarmTestCase):
    def test_a_short_log(self) -> None:
        """A log that fits is one part, from whichever end it is asked for."""
        log = _Bytes(b"one\ntwo\n\nfour")
        for part in (part_from(log, 0), part_before(log, log.size)):
            self.assertEqual((0, 13, 13), (part.start, part.end, part.size))
            self.assertEqual(["one", "two", "", "four"], texts(part))

    def test_nothing(self) -> None:
        """An empty log has an empty part, and so has what lies beyond the end."""
        self.assertEqual(LogPart(0, 0, 0, ()), part_from(_Bytes(b""), 0))
        self.assertEqual(LogPart(4, 4, 4, ()), part_from(_Bytes(b"one\n"), 99))
        self.assertEqual(LogPart(0, 0, 4, ()), part_before(_Bytes(b"one\n"), 0))

    def test_whole_lines(self) -> None:
        """A part of a long log begins and ends with a line."""
        log = _Bytes(b"".join(b"line %06d\n" % number for number in range(10_000)))
        last = part_before(log, log.size)
        self.assertEqual("line 009999", texts(last)[-1])
        self.assertEqual(log.size - 12 * len(last.lines), last.start)
        before = part_before(log, last.start)
        self.assertEqual(last.start, before.end)
        again = part_from(log, before.start)
        self.assertEqual(before.start, again.start)
        self.assertTrue(texts(again)[0] == texts(before)[0] and again.end % 12 == 0)

    def test_other_ends_of_lines(self) -> None:
        """A carriage return ends a line, with or without a newline: progress bars are shown."""
        part = part_from(_Bytes(b"10%\r50%\r100%\r\ndone\r\n"), 0)
        self.assertEqual(["10%", "50%", "100%", "done"], texts(part))

    def test_colours_go_on(self) -> None:
        """What a line begins in is what the line before it ended in."""
        part = part_from(_Bytes(b"\x1b[31mred\nstill\x1b[0m plain\n"), 0)
        self.assertEqual([["f1"], ["f1", ""]], [[run.classes for run in ln] for ln in part.lines])

    def test_json(self) -> None:
        """Scripts get texts, and runs where there are colours; never any HTML."""
        part = part_from(_Bytes(b"<b>\n\n\x1b[1mx\x1b[m y\n"), 0)
        told = json.loads(part.as_json())
        self.assertEqual(["<b>", "", [["a-bold", "x"], ["", " y"]]], told["lines"])
        self.assertEqual((0, 16, 16), (told["start"], told["end"], told["size"]))

    @given(LOGS)
    def test_forward(self, content: bytes) -> None:
        """From the beginning, each part begins where the last one ended, until all is shown."""
        log, position = _Bytes(content), 0
        while position < log.size:
            part = part_from(log, position)
            self.assertEqual(position, part.start)
            self.assertTrue(position < part.end <= position + PIECE)
            position = part.end
        self.assertEqual(log.size, position)

    @given(LOGS)
    def test_backward(self, content: bytes) -> None:
        """From the end the same, and a character is never cut in two between parts."""
        log = _Bytes(content.decode("utf-8", "replace").encode())
        position = log.size
        while position:
            part = part_before(log, position)
            self.assertEqual(position, part.end)
            self.assertTrue(position - PIECE <= part.start < position)
            self.assertEqual(
                log.content[part.start : part.end].decode().count("\ufffd"),
                "".join(texts(part)).count("\ufffd"),
            )
            position = part.start
