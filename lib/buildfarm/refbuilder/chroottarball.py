"""Whether a file is a chroot tarball as builders take it.

Beside the layers. Tests: tests/unit/refbuilder/test_chroottarball.py.
"""

import tarfile
from pathlib import Path, PurePosixPath

#: The one directory at the top of every chroot tarball of a build farm.
TOP = "chroot-autobuild"


def chroot_fault(path: Path, image_type: str) -> str | None:
    """What is wrong with the chroot tarball at `path`, or None.

    The first member tells: a chroot may have a gigabyte, its digest was checked, and nothing of it
    is unpacked here. Blocks.
    """
    if image_type != "chroot":
        return f"Images of type {image_type} are not taken, only tarballs of a chroot."
    try:
        with tarfile.open(path) as tarball:
            first = tarball.next()
    except (tarfile.TarError, OSError, EOFError) as error:
        return f"The chroot is not a tarball: {error}"
    if first is None or PurePosixPath(first.name).parts[:1] != (TOP,):
        found = "is empty" if first is None else f"begins with {first.name!r}"
        return f"The chroot tarball {found}, not with the directory {TOP}."
    return None
