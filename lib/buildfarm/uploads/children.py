"""What the children of the upload stage do, and what they say about it.

Layer 3; tests in `tests/functional/uploads/test_publishing.py`. The fork server imports this
module; `publishing` holds the other end of both conversations.

Each child sends `{"step": name}` at a numbered step and goes on when it is told to, and at last
one of `{"passed": …}`, `{"published": true}`, `{"refused": sentence}`, `{"postponed": sentence}`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from buildfarm.flow.conversation import Conversation
from buildfarm.uploads.check import BinaryPackage, check_results
from buildfarm.uploads.command import publish_with_command
from buildfarm.uploads.directory import publish_into_directory
from buildfarm.uploads.reprepro import publish_with_reprepro
from buildfarm.vocab.errors import ConversationEnded, FarmError, UploadRefused
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import ResultFile, UploadTask


def check(conversation: Conversation, argument: tuple[UploadTask, Sequence[ResultFile]]) -> None:
    """Check results, and send what each package is."""
    task, results = argument
    with _outcome_sent(conversation):
        passed = [
            [
                package.file.name,
                package.name,
                package.version,
                package.architecture,
                package.classified,
            ]
            for package in check_results(task, results)
        ]
        conversation.send({"passed": passed})


def upload(
    conversation: Conversation,
    argument: tuple[UploadTask, Sequence[ResultFile], Sequence[BinaryPackage]],
) -> None:
    """Publish results that have passed the check, holding the archive's lock."""
    task, files, packages = argument

    def report(step: str) -> None:
        conversation.send({"step": step})
        conversation.receive()

    descriptors = conversation.lock_descriptors
    with _outcome_sent(conversation):
        match task.archive.uploader:
            case UploaderKind.DIRECTORY:
                publish_into_directory(
                    Path(task.archive.path),
                    task.attempt.cookie,
                    files,
                    prepared=task.attempt.prepared,
                    report=report,
                )
            case UploaderKind.REPREPRO:
                publish_with_reprepro(task, packages, report=report, descriptors=descriptors)
            case UploaderKind.COMMAND:
                publish_with_command(task, files, report=report, descriptors=descriptors)
        conversation.send({"published": True})


@contextmanager
def _outcome_sent(conversation: Conversation) -> Iterator[None]:
    """Tell the manager of a bad end in a sentence; a good one is told inside."""
    try:
        yield
    except ConversationEnded:
        raise
    except UploadRefused as error:
        conversation.send({"refused": str(error)})
    except MemoryError:
        conversation.send(
            {"refused": "The results need more memory to be checked than is allowed."}
        )
    except (FarmError, OSError) as error:
        conversation.send({"postponed": str(error)})
