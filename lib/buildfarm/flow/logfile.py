"""The daemon's log: one line per event, safe to show, in a file that may be rotated.

Layer 2. Twisted's own log file rotates itself; ours leaves that to logrotate, which renames it and
has it opened again. Tests: tests/unit/flow/test_logfile.py.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import LogEvent, Logger, LogLevel, eventAsText

from buildfarm.vocab.secrets import without_secrets
from buildfarm.vocab.text import shown

_STANDARD_ERROR = 2


def log_line(event: LogEvent) -> str:
    """`event` as `TIME LEVEL WHERE: TEXT` and, with a failure, its traceback on indented lines.

    The time is UTC. Text that came from builders and packages is escaped like everything else, and
    secrets are blotted out.
    """
    time = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    level = event.get("log_level", LogLevel.info)
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    first, *rest = shown(without_secrets(text)).rstrip("\n").split("\n")
    when = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
    head = f"{when} {level.name} {event.get('log_namespace', '-')}: {first}"
    lines = [head, *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


class LogFile:
    """A log observer that appends to the file at `path`, or to standard error without one.

    Raises OSError where the file cannot be opened. Events below `least` are left out. While its
    disk is full, lines are dropped, and counted; the first line after that says how many.
    """

    log = Logger()

    def __init__(self, path: Path | None = None, least: LogLevel = LogLevel.info) -> None:
        self._path = path
        self._least = least
        self._descriptor = _STANDARD_ERROR
        self._dropped = 0
        self._cut = False
        if path is not None:
            self._descriptor = _open(path)

    def __call__(self, event: LogEvent) -> None:
        """Write `event` at once: the last line before a crash is the one that is needed."""
        if event.get("log_level", self._least) >= self._least:
            self._write(event)

    def reopen(self) -> None:
        """Go on in a new file of that name, after the old one was renamed; the old one if not."""
        if self._path is None:
            return
        try:
            opened = _open(self._path)
        except OSError as error:
            self.log.error("the log goes on in the file it had: {error}", error=error)
        else:
            self.close()
            self._descriptor = opened

    def close(self) -> None:
        """Close the file, never standard error."""
        if self._descriptor != _STANDARD_ERROR:
            os.close(self._descriptor)
            self._descriptor = _STANDARD_ERROR

    def _write(self, event: LogEvent) -> None:
        text = log_line(event)
        if self._dropped:
            text = log_line(_dropped(event, self._dropped)) + text
        data = ("\n" * self._cut + text).encode("utf-8", "backslashreplace")
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            written = 0
        if written == len(data):
            self._dropped, self._cut = 0, False
        else:
            self._dropped += 1
            self._cut |= written > 0


def _dropped(event: LogEvent, lines: int) -> LogEvent:
    """What is said of lines that were dropped, at the time of the next `event`."""
    return {
        "log_time": event.get("log_time", 0.0),
        "log_level": LogLevel.error,
        "log_namespace": __name__,
        "log_format": "{lines} lines before this one could not be written",
        "lines": lines,
    }


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
