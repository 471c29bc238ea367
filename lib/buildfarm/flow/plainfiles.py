"""Files that a person named, opened only where reading them comes to an end.

Layer 2; standard library only, since every command begins with it. Tests:
tests/unit/flow/test_plainfiles.py.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotPlain(OSError):
    """The path leads to a directory, a pipe, a socket or a device; `strerror` says so."""


def open_plain(path: Path) -> BinaryIO:
    """The plain file at `path`, open for reading.

    A pipe that nobody writes to would block in `open`, a device be read without end. Raises
    NotPlain, and OSError with `strerror` for whatever else keeps it from being opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise NotPlain(None, str(error), str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlain(None, "it is not a plain file", str(path))
    return os.fdopen(descriptor, "rb")
