#!/usr/bin/python3
"""Writes the smallest chroot tarball that the reference builder accepts.

    demo/make_chroot.py FILE.tar.gz

The reference builder checks a chroot tarball and never enters it, so this one has the top
directory that every chroot of a build farm has, and nothing to run. A real builder needs a real
chroot. The same bytes every time: a chroot is named by its digest.
"""

import gzip
import io
import sys
import tarfile
from pathlib import Path

TOP = "chroot-autobuild"
_README = b"A chroot in form only: for the reference builder, which never enters it.\n"


def make_chroot(path: Path) -> Path:
    """Write the tarball to `path` and return it. Raises OSError if it cannot be written."""
    top = tarfile.TarInfo(TOP)
    top.type = tarfile.DIRTYPE
    top.mode = 0o755
    readme = tarfile.TarInfo(f"{TOP}/README")
    readme.size = len(_README)
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tarball,
    ):
        tarball.addfile(top)
        tarball.addfile(readme, io.BytesIO(_README))
    return path


def main() -> None:
    """Run as a command: FILE."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FILE.tar.gz")
    print(make_chroot(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
