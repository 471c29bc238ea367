"""The daemon's log: one line per event, safe to show, in a file that may be rotated.

Layer 2. Twisted's own log file rotates itself; ours leaves that to logrotate, which renames it and
has it opened again. Tests: tests/unit/flow/test_logfile.py.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import LogEvent, LogLevel, eventAsText

from buildfarm.vocab.text import shown


def log_line(event: LogEvent) -> str:
    """`event` as `TIME LEVEL WHERE: TEXT` and, with a failure, its traceback on indented lines.

    The time is UTC. Text that came from builders and packages is escaped like everything else.
    """
    time = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    level = event.get("log_level", LogLevel.info)
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    first, *rest = shown(text).rstrip("\n").split("\n")
    when = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
    head = f"{when} {level.name} {event.get('log_namespace', '-')}: {first}"
    lines = [head, *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


class LogFile:
    """A log observer that appends to the file at `path`, or to standard error without one.

    Raises OSError where the file cannot be opened. Events below `least` are left out.
    """

    def __init__(self, path: Path | None = None, least: LogLevel = LogLevel.info) -> None:
        self._path = path
        self._least = least
        self._stream = sys.stderr
        self.reopen()

    def __call__(self, event: LogEvent) -> None:
        """Write `event` and flush it: the last line before a crash is the one that is needed."""
        if event.get("log_level", self._least) >= self._least:
            self._stream.write(log_line(event))
            self._stream.flush()

    def reopen(self) -> None:
        """Go on in a new file of that name, after the old one was renamed."""
        if self._path is not None:
            opened = self._path.open("a", encoding="utf-8", errors="backslashreplace")
            self.close()
            self._stream = opened

    def close(self) -> None:
        """Close the file, never standard error."""
        if self._stream is not sys.stderr:
            self._stream.close()
            self._stream = sys.stderr
