"""The file store: sources, chroots and logs, each kept once under its SHA-256.

Layer 3; tests in `tests/unit/filestore/test_store.py`. Everything here blocks on the disk: call it
in a worker thread.

A file is at `<aa>/<sha256>`, where `aa` are the digest's first two digits. It appears there whole,
flushed and verified, by a rename; so whatever has a digest for its name can be believed after any
crash, and adding the same content twice is harmless. Unfinished files are below `unfinished/`.

Files that no row of the database names are removed now and then (`retention.collector`). A file
must be there before the row that names it: until that row is committed, a `Hold` keeps it from
being taken for one that nobody needs (docs/decisions/150).
"""

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Protocol
from weakref import WeakSet

from buildfarm.flow.durable import flush_directory, full_disk_named
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import FileMissing, FileRefused
from buildfarm.vocab.text import one_line

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_MODE = 0o640
_DIRECTORY_MODE = 0o750
_PIECE = 1024 * 1024

#: The directories that files are in: every beginning of a digest.
PARTS = tuple(f"{number:02x}" for number in range(256))


class Readable(Protocol):
    """All that the store asks of what it is given: `read(size)`, empty at the end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        ...


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in the store's spelling: 64 lower-case hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


class Hold:
    """Files on their way into the database: none of them is removed while this is held.

    Ends with its `with` block, or when nobody refers to it any more.
    """

    def __init__(self, store: "FileStore") -> None:
        self._store = store
        self.digests: set[str] = set()

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def add(
        self, stream: Readable, *, max_bytes: int, sha256: str | None = None, name: str = ""
    ) -> StoredFile:
        """As `FileStore.add`, and hold the file from before it is there."""
        return self._store.add(stream, max_bytes=max_bytes, sha256=sha256, name=name, hold=self)

    def end(self) -> None:
        """Hold nothing any more."""
        self.digests = set()


class FileStore:
    """Files by content below the directory `root`, which is made when it is missing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "unfinished"
        # Directories whose own names are known to be on the disk.
        self._flushed: set[Path] = set()
        # Guards what follows, and the moment in which a file is taken out.
        self._guard = threading.Lock()
        self._holds: WeakSet[Hold] = WeakSet()
        # While files are collected: those held then or added since.
        self._touched: set[str] | None = None
        for directory in (root, self._unfinished):
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)

    def holding(self) -> Hold:
        """For files that a row is about to name: they are added through this, until it is there."""
        hold = Hold(self)
        with self._guard:
            self._holds.add(hold)
        return hold

    def add(
        self,
        stream: Readable,
        *,
        max_bytes: int,
        sha256: str | None = None,
        name: str = "",
        hold: Hold | None = None,
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
                self._touch(stored.sha256, hold)
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

    def begin_collection(self) -> None:
        """Note from now on what is held or added: nothing of that may be removed."""
        with self._guard:
            self._touched = set().union(*(hold.digests for hold in self._holds))

    def end_collection(self) -> None:
        """Remove nothing more."""
        with self._guard:
            self._touched = None

    def remove_unneeded(self, part: str, needed: Collection[str], before: float) -> tuple[int, int]:
        """Remove from one of `PARTS` what is not `needed`; how many files and bytes those were.

        What is younger than `before` (seconds since the epoch) stays, and what was held or added
        since `begin_collection`.
        """
        directory = self._root / part
        files = size = 0
        if not directory.is_dir():
            return files, size
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name in needed or not is_sha256(entry.name):
                    continue
                found = entry.stat()
                if found.st_mtime < before and self._take_out(entry.name):
                    files += 1
                    size += found.st_size
        return files, size

    def _touch(self, sha256: str, hold: Hold | None) -> None:
        with self._guard:
            if hold is not None:
                hold.digests.add(sha256)
            if self._touched is not None:
                self._touched.add(sha256)

    def _take_out(self, sha256: str) -> bool:
        """Remove a file that nobody has touched; whether it was.

        Renamed first: to free the blocks of a large file takes its time.
        """
        removed = self._unfinished / secrets.token_hex(16)
        with self._guard:
            if self._touched is None or sha256 in self._touched:
                return False
            self.path(sha256).rename(removed)
        removed.unlink()
        return True

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
