"""What a child of the upload stage does: publish what passed the check, one try after the other.

Layer 3; tests in `tests/functional/uploads/test_publishing.py`. `jobs` says how it is spoken with.
"""

from collections.abc import Callable
from pathlib import Path

from buildfarm.flow.conversation import Conversation
from buildfarm.flow.durable import full_disk_named
from buildfarm.flow.lockfiles import HeldLock, holder, try_hold
from buildfarm.uploads.command import publish_with_command
from buildfarm.uploads.directory import publish_into_directory
from buildfarm.uploads.jobs import UploadJob
from buildfarm.uploads.reprepro import publish_with_reprepro
from buildfarm.vocab.errors import (
    ConversationEnded,
    DiskFull,
    FarmError,
    UploadPostponed,
    UploadRefused,
)
from buildfarm.vocab.states import UploaderKind

_Report = Callable[[str], None]


def serve(conversation: Conversation, _: None) -> None:
    """Do jobs until there are no more; ends with ConversationEnded when the manager is gone."""

    def report(step: str) -> None:
        conversation.send({"step": step})
        conversation.receive()

    while True:
        conversation.send(_outcome(conversation.receive(), report))


def _outcome(job: UploadJob, report: _Report) -> dict[str, object]:
    try:
        _do(job, report)
    except ConversationEnded:
        raise
    except UploadRefused as error:
        return {"refused": str(error)}
    except DiskFull as error:
        return {"full": str(error)}
    except (FarmError, OSError) as error:
        return {"postponed": str(error)}
    return {"published": True}


def _do(job: UploadJob, report: _Report) -> None:
    with _lock_of(job) as lock, full_disk_named(Path(job.task.archive.path)):
        _publish(job, report, lock)


def _lock_of(job: UploadJob) -> HeldLock:
    lock = try_hold(job.lock)
    if lock is None:
        raise UploadPostponed(
            f"Process {holder(job.lock)} is at work on the archive {job.task.archive.name}."
        )
    return lock


def _publish(job: UploadJob, report: _Report, lock: HeldLock) -> None:
    task, descriptors = job.task, (lock.fileno(),)
    match task.archive.uploader:
        case UploaderKind.DIRECTORY:
            publish_into_directory(task, job.results, report=report)
        case UploaderKind.REPREPRO:
            publish_with_reprepro(task, job.packages, report=report, descriptors=descriptors)
        case UploaderKind.COMMAND:
            publish_with_command(task, job.results, report=report, descriptors=descriptors)
