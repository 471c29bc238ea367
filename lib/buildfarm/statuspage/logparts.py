"""Parts of a build log as pages show them: whole lines with their colours, and where they stand.

Layer 5, pure but for reading the log, which blocks: in file threads. Tests:
tests/unit/statuspage/test_logparts.py.

A log may be a gigabyte long. It is never shown whole: a part has at most `PIECE` bytes, begins and
ends with a line, and says where it begins and ends, so that the parts before and after it can be
asked for. Positions are bytes from the beginning of the log; they stay what they are when the log
goes from its builder into the file store.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from buildfarm.statuspage.ansi import PLAIN, Run, styled

#: Bytes of a part at most: parsed in about a millisecond, and some hundred lines.
PIECE = 32 * 1024

# A carriage return ends a line as well: what a progress bar overwrites is shown line by line.
_LINE_END = re.compile("\r\n|\n|\r")


class Log(Protocol):
    """A log that can be read from any place; `filestore.logs.StoredLog` and `mirrors.Mirror`."""

    @property
    def size(self) -> int:
        """The length of what is there by now."""

    def read(self, start: int, length: int) -> bytes:
        """The log from `start` on, `length` bytes or up to its end."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """The lines between two positions; `size` is how much of the log there was."""

    start: int
    end: int
    size: int
    lines: tuple[tuple[Run, ...], ...]

    def as_json(self) -> bytes:
        """For scripts: a line is a text, or a list of [classes, text] where it has colours."""
        lines = [_plain_or_runs(line) for line in self.lines]
        described = {"start": self.start, "end": self.end, "size": self.size, "lines": lines}
        return json.dumps(described, separators=(",", ":")).encode()


def part_from(log: Log, start: int) -> LogPart:
    """The lines that begin at `start`, or within a line where `start` is in one."""
    size = log.size
    start = min(start, size)
    data = log.read(start, PIECE)
    if start + len(data) < size:
        data = data[: _cut(data)]
    return _part(data, start, size)


def part_before(log: Log, end: int) -> LogPart:
    """The lines that end at `end`, which is the end of a line."""
    size = log.size
    end = min(end, size)
    start = max(0, end - PIECE)
    data = log.read(start, end - start)
    if start:
        skipped = _first_line(data)
        start, data = start + skipped, data[skipped:]
    return _part(data, start, size)


def _part(data: bytes, start: int, size: int) -> LogPart:
    lines = _LINE_END.split(data.decode("utf-8", "replace"))
    if not lines[-1]:
        lines.pop()
    shown = []
    style = PLAIN
    for line in lines:
        runs, style = styled(line, style)
        shown.append(runs)
    return LogPart(start, start + len(data), size, tuple(shown))


def _cut(data: bytes) -> int:
    """Where the last line ends; a line longer than a part is cut, but within no character."""
    end = data.rfind(b"\n") + 1
    return end or len(data) - _begun(data)


def _first_line(data: bytes) -> int:
    """Where the first line begins that does so in `data`; the first character, where none does."""
    found = data.find(b"\n", 0, len(data) - 1) + 1
    if found:
        return found
    return next((at for at in range(min(3, len(data))) if data[at] & 0xC0 != 0x80), 0)


def _begun(data: bytes) -> int:
    """Bytes at the end that begin a character of more."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < length else 0
        if byte < 0x80:
            break
    return 0


def _plain_or_runs(line: tuple[Run, ...]) -> Any:
    if not line:
        return ""
    if len(line) == 1 and not line[0].classes:
        return line[0].text
    return [[run.classes, run.text] for run in line]
