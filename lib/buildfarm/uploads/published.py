"""Where apt reads an archive.

Layer 3; tests in `tests/functional/uploads/test_creation.py`. Pure.
"""

from pathlib import Path

from buildfarm.uploads.layout import Layout
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.states import UploaderKind


def published_directory(archive: ArchiveSnapshot) -> Path | None:
    """The directory that holds what the readers of `archive` may read, and nothing else.

    Who these are depends on whether it is private. None for an archive that something else than
    reprepro makes of what we hand it.
    """
    if archive.uploader is not UploaderKind.REPREPRO:
        return None
    return Layout(Path(archive.path)).public
