"""The manager's disk, which is now and then full.

Beside the layers. Tests: tests/unit/simulation.

The files are real ones, in memory where the system has such a place. While the disk is full, the
system's answers to whoever wants to make a file or a directory are as if there were no room.
"""

import builtins
import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock


class Disk:
    """What the jobs of the file threads find."""

    def __init__(self) -> None:
        self.full = False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While entered, files are made, or not."""
        if not self.full:
            yield
            return
        opening, making = io.open, os.mkdir

        def open_file(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if mode[0] in "wxa":
                raise _no_room(path)
            return opening(path, mode, *args, **kwargs)

        def open_descriptor(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            if flags & os.O_CREAT:
                raise _no_room(path)
            return descriptor_of(path, flags, *args, **kwargs)

        def make_directory(path: Any, *args: Any, **kwargs: Any) -> None:
            if not Path(path).exists():
                raise _no_room(path)
            making(path, *args, **kwargs)

        descriptor_of = os.open
        with (
            mock.patch.object(io, "open", open_file),
            mock.patch.object(builtins, "open", open_file),
            mock.patch.object(os, "open", open_descriptor),
            mock.patch.object(os, "mkdir", make_directory),
        ):
            yield


def _no_room(path: Any) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
