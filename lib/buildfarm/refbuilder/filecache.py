"""The files that the daemon has: inputs by SHA-1, results by SHA-1, and the log of the build.

Beside the layers. Inputs stay, results and log belong to one build; they are kept apart, so that
cleaning up after a build whose result equals an input does not lose the input.
Tests: tests/unit/refbuilder/test_filecache.py.
"""

import os
import re
import shutil
from pathlib import Path

from buildfarm.flow.durable import flush_file
from buildfarm.refbuilder.workplace import Workplace

#: The log's name among the files that clients fetch.
LOG_NAME = "buildlog"

#: Bytes of inputs that are kept from build to build.
MAX_INPUTS = 20 * 1024**3

_SHA1 = re.compile(r"[0-9a-f]{40}")


def is_sha1(text: str) -> bool:
    """Whether `text` is a SHA-1 digest in lower-case hexadecimal."""
    return _SHA1.fullmatch(text) is not None


class FileCache:
    """The files of `place`. `max_inputs` is in bytes."""

    def __init__(self, place: Workplace, max_inputs: int = MAX_INPUTS) -> None:
        self._log = place.log
        self._results = place.results
        self._inputs = place.inputs
        self._incoming = place.incoming
        self._max_inputs = max_inputs

    def open(self) -> None:
        """Make the directories, and forget what a former daemon's build has left. Blocks."""
        self._inputs.mkdir(exist_ok=True)
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir()
        self.forget_build()

    def input(self, sha1: str) -> Path | None:
        """Where the input with this digest is, None where there is none."""
        path = self._inputs / sha1
        return path if is_sha1(sha1) and path.exists() else None

    def served(self, name: str) -> Path | None:
        """The file that a client may fetch under this name, if there is one."""
        if name == LOG_NAME:
            path = self._log
        elif is_sha1(name):
            path = self._inputs / name
            path = path if path.exists() else self._results / name
        else:
            return None
        return path if path.is_file() else None

    def incoming(self, name: str) -> Path:
        """Where an input is written while it comes; `name` is the caller's alone."""
        return self._incoming / name

    def keep(self, incoming: Path, sha1: str) -> None:
        """Make the whole file `incoming` the input with this digest. Blocks."""
        flush_file(incoming)
        incoming.replace(self._inputs / sha1)

    def start_log(self) -> None:
        """Begin the log of a build."""
        self._log.write_bytes(b"")

    def log_tail(self, limit: int) -> bytes:
        """The last `limit` bytes of the log. Few, and written a moment ago: this hardly blocks."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - limit))
                return log.read(limit)
        except FileNotFoundError:
            return b""

    def forget_build(self) -> None:
        """Remove log and results, and the inputs longest unused that are too many. Blocks."""
        self._log.unlink(missing_ok=True)
        shutil.rmtree(self._results, ignore_errors=True)
        self._results.mkdir()
        self._trim_inputs()

    def _trim_inputs(self) -> None:
        inputs = [(path.stat(), path) for path in self._inputs.iterdir()]
        inputs.sort(key=lambda entry: entry[0].st_mtime, reverse=True)
        total = 0
        for status, path in inputs:
            total += status.st_size
            if total > self._max_inputs:
                path.unlink()
