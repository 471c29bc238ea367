"""The `directory` uploader: each upload appears in `incoming/`, as a directory of its own, once.

Layer 3; tests in `tests/functional/uploads/test_directory.py`. For the uploader's child: blocks on
the disk.

The files are gathered in `outgoing/<cookie>` on the same file system, "prepared" is committed to
the database, and one rename publishes them as `incoming/<cookie>`. Whoever reads `incoming` may
take them away at once. So, when a try is cut off anywhere: without "prepared" nothing was
published, and it begins anew; with it, what is still in `outgoing` was not published, and what is
not there any more was (DESIGN section 8).

A database that was restored knows neither. So a record of the upload (`record`) is made before the
rename, and what is found there decides when the same package version comes again: published
already with these contents, or refused.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from buildfarm.flow.durable import flush_directory, remove_tree
from buildfarm.uploads.jobs import PREPARED
from buildfarm.uploads.record import Record
from buildfarm.uploads.staging import stage
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.upload import ResultFile, UploadTask

OUTGOING = "outgoing"
INCOMING = "incoming"

_MODE = 0o750


def create_directory(root: Path) -> None:
    """Make the directories of an archive, where they are missing."""
    for name in (OUTGOING, INCOMING):
        (root / name).mkdir(mode=_MODE, parents=True, exist_ok=True)
    flush_directory(root)


def publish_into_directory(
    task: UploadTask, files: Sequence[ResultFile], *, report: Callable[[str], None]
) -> None:
    """Publish `files`, which have passed the check, under their own names.

    `report(PREPARED)` returns once the database knows. Raises UploadPostponed where the archive's
    directory is not there, UploadRefused where this package version was published with other
    contents.
    """
    root, cookie, prepared = Path(task.archive.path), task.attempt.cookie, task.attempt.prepared
    outgoing, incoming = root / OUTGOING / cookie, root / INCOMING / cookie
    if not (outgoing.parent.is_dir() and incoming.parent.is_dir()):
        raise UploadPostponed(
            f"{root} lacks the directories {OUTGOING} and {INCOMING}; was it moved, or not mounted?"
        )
    if incoming.exists() or (prepared and not outgoing.exists()):
        return
    if not prepared:
        record = Record(root, task)
        if record.cookie and _was_published(record, task, files, root / OUTGOING):
            return
        stage(files, outgoing)
        record.write(cookie, files)
        report(PREPARED)
    outgoing.rename(incoming)
    flush_directory(incoming.parent)
    flush_directory(outgoing.parent)
    report("upload.renamed")


def is_published(task: UploadTask) -> bool:
    """Whether this very upload was published, as the archive's records tell."""
    root, cookie = Path(task.archive.path), task.attempt.cookie
    recorded = Record(root, task).cookie == cookie
    return recorded and not (root / OUTGOING / cookie).exists()


def _was_published(
    record: Record, task: UploadTask, files: Sequence[ResultFile], outgoing: Path
) -> bool:
    """Whether what is recorded became public; if it did not, it is forgotten.

    Raises UploadRefused where it did, with other contents.
    """
    staged = outgoing / record.cookie
    if staged.exists():
        record.remove()  # first: without its files it would count as published
        remove_tree(staged)
        return False
    if record.cookie != task.attempt.cookie and not record.is_of(files):
        raise UploadRefused(
            f"{task.title} was published already, by the upload {record.cookie}, with other "
            "contents; a changed package needs a new version."
        )
    return True
