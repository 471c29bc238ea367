"""A chroot tarball, looked at before builds start from it.

Layer 4. Blocks on the disk: it runs in the file threads. A builder that is given something else
ends every build in CHROOTFAIL; here it is said at once. Tests: tests/unit/intake/test_chroots.py.
"""

import lzma
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

#: A chroot tarball is not larger than this many bytes.
MAX_CHROOT = 8 * 1024**3

#: The directory that launchpad-buildd expects at the top of the tarball.
TOP = "chroot-autobuild"


def check_chroot(name: str, stream: BinaryIO) -> None:
    """Raise Refused unless `stream` begins as a tarball of a chroot does.

    Plain, or compressed with gzip, bzip2 or xz, as the tar of every builder understands.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as tarball:
            first = tarball.next()
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise Refused(f"{one_line(name)} is not a tarball: {one_line(str(error))}.") from error
    except OSError as error:
        raise Refused(f"{one_line(name)} cannot be read: {error}.") from error
    parts = PurePosixPath(first.name).parts if first is not None else ()
    if not parts or parts[0] != TOP:
        found = one_line(parts[0], 100) if parts else "nothing"
        raise Refused(
            f"{one_line(name)} is not the tarball of a chroot: it has {found} at its top, "
            f"and not the directory {TOP}."
        )
