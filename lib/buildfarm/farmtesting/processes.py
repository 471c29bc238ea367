"""Processes that a test starts in its reactor, awaits, and never leaves behind.

Beside the layers; for tests/functional/restarts.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure


class Process(ProcessProtocol):
    """A process whose output is appended to the file `output`.

    `status` is None while it runs; then its exit code, or minus the signal that ended it.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.status: int | None = None
        self._waiting: list[Deferred[int]] = []

    @classmethod
    def start(
        cls,
        reactor: Any,
        arguments: Sequence[str],
        output: Path,
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> "Process":
        """Start `arguments` in the directory `cwd`, with `env` added to our environment."""
        process = cls(output)
        with output.open("ab") as stream, Path(os.devnull).open("rb") as nothing:
            reactor.spawnProcess(
                process,
                arguments[0],
                list(arguments),
                {**os.environ, **(env or {})},
                str(cwd),
                childFDs={0: nothing.fileno(), 1: stream.fileno(), 2: stream.fileno()},
            )
        return process

    @property
    def pid(self) -> int:
        """Its id, while it runs."""
        transport: Any = self.transport
        pid: int = transport.pid
        return pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs; its children get none."""
        if self.status is None:
            os.kill(self.pid, number)

    def when_ended(self) -> Deferred[int]:
        """Fires with `status` when the process has been reaped."""
        ended: Deferred[int] = Deferred()
        if self.status is None:
            self._waiting.append(ended)
        else:
            ended.callback(self.status)
        return ended

    def processEnded(self, reason: Failure) -> None:
        """The process has been reaped."""
        value: Any = reason.value
        status: int = -value.signal if value.signal else value.exitCode
        self.status = status
        waiting, self._waiting = self._waiting, []
        for ended in waiting:
            ended.callback(status)

    def tail(self) -> str:
        """The end of what it, and those before it with the same file, have printed."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-40:])
