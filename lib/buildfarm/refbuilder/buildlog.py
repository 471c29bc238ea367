"""The log of a build, written while it runs, up to a bound.

Beside the layers; for the process that builds.
Tests: tests/functional/refbuilder/test_buildlog.py.
"""

import os
import select
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Bytes that a log may have; the manager takes twice as much.
MAX_BYTES = 256 * 1024**2

#: Seconds between looks whether a tool has ended that left its output to somebody else.
_LOOK = 0.1
_CHUNK = 64 * 1024


class LogFull(Exception):
    """A build wrote more than its log may have."""


class BuildLog:
    """Appends to the file at `path`; raises LogFull beyond `limit` bytes in all."""

    def __init__(self, path: Path, limit: int = MAX_BYTES) -> None:
        self._file = path.open("ab", buffering=0)
        self._limit = limit
        self._room = limit

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()

    def say(self, text: str) -> None:
        """One line of our own; it has room even in a full log."""
        self._file.write(f"{text}\n".encode())

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        pass_fds: Sequence[int],
    ) -> int:
        """Run a tool with its output in the log; its exit status, negative for a signal."""
        self.say(f"$ {shlex.join(arguments)}")
        with subprocess.Popen(
            arguments,
            cwd=cwd,
            env=env,
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as tool:
            try:
                self._copy_output(tool)
            except LogFull:
                tool.kill()
                self.say(f"\nThe build is given up: its log has {self._limit} bytes.")
                raise
        return tool.returncode

    def _copy_output(self, tool: subprocess.Popen[bytes]) -> None:
        """Copy until the tool has ended, even if something that it started still holds the pipe."""
        assert tool.stdout is not None
        output = tool.stdout.fileno()
        os.set_blocking(output, False)
        over = False
        while not over:
            over = tool.poll() is not None  # asked first: what it wrote last is still read
            select.select([output], [], [], 0 if over else _LOOK)
            over = self._copy_what_is_there(output) or over

    def _copy_what_is_there(self, output: int) -> bool:
        """Whether the end of the output has come."""
        try:
            while chunk := os.read(output, _CHUNK):
                self._write(chunk)
        except BlockingIOError:
            return False
        return True

    def _write(self, chunk: bytes) -> None:
        self._file.write(chunk[: self._room])
        self._room -= len(chunk)
        if self._room < 0:
            raise LogFull
