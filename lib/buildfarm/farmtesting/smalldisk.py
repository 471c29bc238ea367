"""A disk that a test can fill: a small tmpfs, gone with the test whatever becomes of it.

Beside the layers; for tests/functional/faults and commands. Mounting needs root.
"""

import errno
import os
import subprocess
from pathlib import Path

#: Unmounts when its input ends: when the test says so, or its process is no more.
_GUARD = ["sh", "-c", 'read -r _; umount --lazy "$1"', "guard"]


class SmallDisk:
    """A file system of `size` bytes at `directory`, which must be empty."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self._ballast = directory / "ballast"
        where = str(directory)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", where],
            check=True,
            capture_output=True,
        )
        self._guard = subprocess.Popen(
            [*_GUARD, where], stdin=subprocess.PIPE, cwd="/", start_new_session=True
        )

    def fill(self, left: int = 0) -> None:
        """Leave only `left` bytes free."""
        zeros = bytes(1 << 16)
        with self._ballast.open("ab", buffering=0) as ballast:
            size = len(zeros)
            while size:
                free = os.statvfs(self.directory).f_bavail * os.statvfs(self.directory).f_frsize
                size = min(size, free - left)
                try:
                    written = ballast.write(zeros[: max(0, size)])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    written = 0
                if not written:
                    size //= 2

    def free(self) -> None:
        """Give back all that `fill` took."""
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Have it gone; what is still open on it stays until it is closed."""
        self._guard.communicate(b"\n")
