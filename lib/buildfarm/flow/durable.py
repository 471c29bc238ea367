"""Files and directories that are still there after a power failure.

Layer 2; tests in `tests/unit/flow/test_durable.py`. Everything here blocks on the disk: call it in
a worker thread or a child process, never in the reactor thread.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from buildfarm.vocab.errors import DiskFull

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def flush_file(path: Path) -> None:
    """Wait until the content of the file at `path` is on the disk."""
    _flush(path, os.O_RDONLY)


def flush_directory(path: Path) -> None:
    """Wait until the names in the directory `path` are on the disk.

    A file that was created, renamed or removed is so for good only after this.
    """
    _flush(path, os.O_RDONLY | os.O_DIRECTORY)


def flush_tree(root: Path) -> None:
    """Wait until all files and names at and below the directory `root` are on the disk.

    What is removed meanwhile by somebody else (the sockets of a program that ends) is passed over.
    """
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode):
                    flush_file(path)
        flush_directory(Path(directory))


def write_durably(path: Path, content: bytes, mode: int = 0o640) -> None:
    """Put `content` at `path`, whole or not at all, whatever is killed and whenever."""
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    flush_directory(path.parent)


def remove_tree(root: Path) -> None:
    """Remove the directory `root` with all that is in it, if it exists, for good."""
    if root.exists():
        shutil.rmtree(root)
        flush_directory(root.parent)


@contextmanager
def full_disk_named(where: Path) -> Iterator[None]:
    """Turn the system's "no space left" and "quota exceeded" into `DiskFull`, naming `where`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(
                f"No room left on the disk of {where}; free some space there."
            ) from error
        raise


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
