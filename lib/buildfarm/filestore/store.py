"""The file store: sources, chroots and logs, each kept once under its SHA-256.

Layer 3; tests in `tests/unit/filestore/test_store.py`. Everything here blocks on the disk: call it
in a worker thread.

A file is at `<aa>/<sha256>`, where `aa` are the digest's first two digits. It appears there whole,
flushed and verified, by a rename; so whatever has a digest for its name can be believed after any
crash, and adding the same content twice is harmless. Unfinished files are below `unfinished/`.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO, Protocol

from buildfarm.flow.durable import flush_directory, full_disk_named
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import FileMissing, FileRefused
from buildfarm.vocab.text import one_line

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_MODE = 0o640
_DIRECTORY_MODE = 0o750
_PIECE = 1024 * 1024


class Readable(Protocol):
    """All that the store asks of what it is given: `read(size)`, empty at the end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        ...


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in the store's spelling: 64 lower-case hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


class FileStore:
    """Files by content below the directory `root`, which is made when it is missing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "unfinished"
        # Directories whose own names are known to be on the disk.
        self._flushed: set[Path] = set()
        for directory in (root, self._unfinished):
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)

    def add(
        self, stream: Readable, *, max_bytes: int, sha256: str | None = None, name: str = ""
    ) -> StoredFile:
        """Keep what `stream` holds, and say what it was; `name` is only handed through.

        Raises FileRefused for more than `max_bytes` or another digest than `sha256`, and DiskFull;
        in both cases nothing has been added.
        """
        unfinished = self._unfinished / secrets.token_hex(16)
        try:
            with full_disk_named(self._root):
                stored = _write(stream, unfinished, max_bytes, name)
                if sha256 is not None and stored.sha256 != sha256:
                    raise FileRefused(
                        f"{_called(name)} has the SHA-256 {stored.sha256} and not {sha256}."
                    )
                self._keep(unfinished, stored.sha256)
        finally:
            unfinished.unlink(missing_ok=True)
        return stored

    def path(self, sha256: str) -> Path:
        """Where the file of this digest is, if the store has it."""
        if not is_sha256(sha256):
            raise ValueError(f"{one_line(sha256)!r} is not a SHA-256 in lower-case hexadecimal.")
        return self._root / sha256[:2] / sha256

    def open(self, sha256: str) -> BinaryIO:
        """The file of this digest, to be read and closed. Raises FileMissing."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError as error:
            raise FileMissing(f"The file store has no file with the SHA-256 {sha256}.") from error

    def remove_unfinished(self) -> None:
        """Remove what an earlier process did not finish; at start, before anything is added."""
        for path in self._unfinished.iterdir():
            path.unlink()

    def _keep(self, unfinished: Path, sha256: str) -> None:
        """Give a complete, flushed file its name, for good."""
        path = self.path(sha256)
        path.parent.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        unfinished.rename(path)
        flush_directory(path.parent)
        if path.parent not in self._flushed:
            flush_directory(self._root)
            self._flushed.add(path.parent)


def _write(stream: Readable, path: Path, max_bytes: int, name: str) -> StoredFile:
    """Write `stream` to the new file `path`, flushed, and measure it on the way."""
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    size = 0
    with path.open("xb") as file:
        os.fchmod(file.fileno(), _FILE_MODE)
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > max_bytes:
                raise FileRefused(f"{_called(name)} is larger than {max_bytes} bytes.")
            sha1.update(piece)
            sha256.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return StoredFile(name, size, sha1.hexdigest(), sha256.hexdigest())


def _called(name: str) -> str:
    return one_line(name) if name else "The file"
