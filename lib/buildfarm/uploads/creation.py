"""What an uploader needs before its first upload.

Layer 3; tests in `tests/functional/uploads/test_creation.py`. Blocks on the disk and on programs.
"""

import os
from pathlib import Path

from buildfarm.flow.durable import flush_directory, flush_tree
from buildfarm.flow.lockfiles import hold
from buildfarm.uploads.configuration import configure
from buildfarm.uploads.directory import create_directory
from buildfarm.uploads.layout import Layout
from buildfarm.uploads.locks import archive_lock
from buildfarm.uploads.reprepro import recover
from buildfarm.uploads.signing import export_public_key
from buildfarm.uploads.tool import Reprepro
from buildfarm.uploads.undo import Undo
from buildfarm.vocab.archive import ArchiveSnapshot, NewArchive
from buildfarm.vocab.errors import Refused, UploadError
from buildfarm.vocab.states import UploaderKind

#: Stands for a cookie where no upload changes the archive.
_CREATION = "creation"

#: Seconds to wait for an upload that is under way.
_PATIENCE = 30.0

#: Seconds for reprepro to export an archive.
_DEADLINE = 600.0


def create_archive(archive: ArchiveSnapshot | NewArchive, locks_dir: Path) -> None:
    """Make what the archive's uploader needs, or bring it up to date with a changed archive.

    Raises Refused where that cannot be done, or an upload into the archive is under way.
    """
    try:
        _create(archive, locks_dir)
    except OSError as error:
        place = error.filename or archive.path
        raise Refused(
            f"The archive {archive.name} cannot be made: {place}: {error.strerror}."
        ) from error


def _create(archive: ArchiveSnapshot | NewArchive, locks_dir: Path) -> None:
    lock = hold(archive_lock(locks_dir, archive.name), _PATIENCE)
    if lock is None:
        raise Refused(f"An upload into {archive.name} is under way; try again when it has ended.")
    with lock:
        match archive.uploader:
            case UploaderKind.DIRECTORY:
                create_directory(Path(archive.path))
            case UploaderKind.REPREPRO:
                _create_with_reprepro(archive)
            case UploaderKind.COMMAND:
                if not (Path(archive.path).is_file() and os.access(archive.path, os.X_OK)):
                    raise Refused(f"{archive.path} is no program that can be run.")


def _create_with_reprepro(archive: ArchiveSnapshot | NewArchive) -> None:
    layout = Layout(Path(archive.path))
    layout.conf.mkdir(mode=0o750, parents=True, exist_ok=True)
    configure(layout, archive)
    layout.public.mkdir(mode=0o755, exist_ok=True)
    tool, undo = Reprepro(layout, deadline=_DEADLINE), Undo(layout)
    try:
        recover(layout, tool, undo)
        undo.begin(_CREATION)
        if archive.key_id is not None:
            export_public_key(layout, archive.key_id)
        tool.export()
    except UploadError as error:
        raise Refused(f"The archive {archive.name} cannot be made: {error}") from error
    flush_tree(layout.root)
    flush_directory(layout.root.parent)
    undo.end()
