"""Gathered files under their own names, in a directory of their own.

Layer 3; tests in `tests/unit/uploads/test_staging.py`. For the uploader's child: blocks on the
disk. In the spool files have numbers, because a builder's file name becomes a path only when the
check has passed.
"""

import errno
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from buildfarm.flow.durable import flush_directory, flush_file, remove_tree
from buildfarm.vocab.errors import UploadPostponed
from buildfarm.vocab.upload import ResultFile

#: Why a file system may be unable to give a file a second name.
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


def stage(files: Sequence[ResultFile], directory: Path) -> None:
    """Make `directory` anew with `files` in it; all of it is on the disk when this returns.

    Files are linked where the file system can, and copied otherwise. Raises UploadPostponed where
    a copy is not what was gathered.
    """
    remove_tree(directory)
    directory.mkdir(mode=0o750)
    for file in files:
        try:
            (directory / file.name).hardlink_to(file.path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _copy(file, directory / file.name)
    flush_directory(directory)
    flush_directory(directory.parent)


def _copy(file: ResultFile, path: Path) -> None:
    shutil.copyfile(file.path, path)
    shutil.copymode(file.path, path)
    with path.open("rb") as copy:
        if hashlib.file_digest(copy, "sha256").hexdigest() != file.sha256:
            raise UploadPostponed(f"{file.name} could not be copied as it was gathered.")
    flush_file(path)
