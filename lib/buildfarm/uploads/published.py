"""Where the world reads an archive.

Layer 3; tests in `tests/functional/uploads/test_creation.py`. Pure.
"""

from pathlib import Path

from buildfarm.uploads.layout import Layout
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.states import UploaderKind


def published_directory(archive: ArchiveSnapshot) -> Path | None:
    """The directory that holds what anybody may read of `archive`, and nothing else.

    None for archives that are not ours to show: private ones, and those that something else than
    reprepro makes of what we hand it.
    """
    if archive.private or archive.uploader is not UploaderKind.REPREPRO:
        return None
    return Layout(Path(archive.path)).public
