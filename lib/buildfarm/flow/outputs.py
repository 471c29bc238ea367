"""Layer 2: the bounded end of what a child prints.

Tests: tests/unit/flow/test_outputs.py, tests/functional/flow/test_children.py.
"""

import os

from twisted.python.failure import Failure

from buildfarm.flow.reactors import ProcessReactor

_READ = 64 * 1024

#: A pipe holds 64 KiB; what is read after its writer's end is bounded by twice as much.
_MOST_RESTS = 2


class Tail:
    """The last `limit` bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        """Take what has come."""
        self._total += len(data)
        self._kept += data
        if len(self._kept) > 2 * self._limit:  # cut seldom: each cut moves what is kept
            self._cut()

    @property
    def dropped(self) -> int:
        """How many bytes came before the kept ones."""
        return max(0, self._total - self._limit)

    @property
    def text(self) -> str:
        """The kept bytes as text, undecodable ones replaced."""
        self._cut()
        return self._kept.decode(errors="replace")

    def _cut(self) -> None:
        del self._kept[: max(0, len(self._kept) - self._limit)]


class OutputReader:
    """A pipe: the reactor reads one end and keeps the last of it, a child writes into the other."""

    def __init__(self, reactor: ProcessReactor, limit: int) -> None:
        self._reactor = reactor
        self._tail = Tail(limit)
        self._reading_end, self.writing_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reading_end, False)
        self._closed = False

    @property
    def text(self) -> str:
        """The end of what was read."""
        return self._tail.text

    @property
    def dropped(self) -> int:
        """How many bytes before that end were not kept."""
        return self._tail.dropped

    def start(self) -> None:
        """Have the reactor read from now on."""
        self._reactor.addReader(self)

    def close_writing_end(self) -> None:
        """Leave writing to the child that has inherited that end."""
        os.close(self.writing_end)

    def read_rest(self) -> None:
        """Read what is still in the pipe, without waiting for more."""
        for _ in range(_MOST_RESTS):
            self.doRead()

    def close(self) -> None:
        """Stop reading. Again: nothing happens."""
        if not self._closed:
            self._closed = True
            self._reactor.removeReader(self)
            os.close(self._reading_end)

    def fileno(self) -> int:
        """The reading end, for the reactor and for a child that inherits it."""
        return -1 if self._closed else self._reading_end

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """Take what is there; called by the reactor."""
        if self._closed:
            return
        try:
            data = os.read(self._reading_end, _READ)
        except BlockingIOError:
            return
        if data:
            self._tail.add(data)
        else:
            self.close()

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """The reactor is being stopped."""
        self.close()

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        """What the reactor calls this in its log."""
        return "output"
