"""What an archive itself remembers of an upload, whatever the database knows of it.

Layer 3; tests in `tests/functional/uploads/test_publishing.py`. Blocks on the disk.
"""

from buildfarm.uploads import directory, reprepro
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import UploadTask


def is_published(task: UploadTask) -> bool:
    """Whether this very upload was published; a program that publishes keeps its own memory."""
    match task.archive.uploader:
        case UploaderKind.DIRECTORY:
            return directory.is_published(task)
        case UploaderKind.REPREPRO:
            return reprepro.is_published(task)
        case UploaderKind.COMMAND:
            return False
