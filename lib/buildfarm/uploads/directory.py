"""The `directory` uploader: each upload appears in `incoming/`, as a directory of its own, once.

Layer 3; tests in `tests/functional/uploads/test_directory.py`. For the uploader's child: blocks on
the disk.

The files are gathered in `outgoing/<cookie>` on the same file system, "prepared" is committed to
the database, and one rename publishes them as `incoming/<cookie>`. Whoever reads `incoming` may
take them away at once. So, when a try is cut off anywhere: without "prepared" nothing was
published, and it begins anew; with it, what is still in `outgoing` was not published, and what is
not there any more was (DESIGN section 8).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from buildfarm.flow.durable import flush_directory
from buildfarm.uploads.jobs import PREPARED
from buildfarm.uploads.staging import stage
from buildfarm.vocab.errors import UploadPostponed
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
    directory is not there.
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
        stage(files, outgoing)
        report(PREPARED)
    outgoing.rename(incoming)
    flush_directory(incoming.parent)
    flush_directory(outgoing.parent)
    report("upload.renamed")
