"""The check of one upload's results in a child of its own, confined before it reads any of them.

Layer 3; tests in `tests/functional/uploads/test_checking.py`. `check_in_child` blocks: for the
threads of the upload stage; `examine` is what the child runs.

Each check has a new child, a fork of a server that has read nothing: what a package might do to
the process that reads it ends with that package. The child opens the results while it is still
ours, gives up everything else (`flow.confinement`), then reads. What it answers is looked at as
an answer of the package itself: it can speak of the files of this build only.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buildfarm.flow.confinement import confine
from buildfarm.flow.conversation import Conversation
from buildfarm.flow.forks import ForkServer
from buildfarm.flow.limits import ResourceLimits
from buildfarm.uploads.check import PACKAGE_SUFFIXES, BinaryPackage, check_results, is_declared
from buildfarm.vocab.errors import (
    ChildTimedOut,
    ConversationEnded,
    UploadPostponed,
    UploadRefused,
)
from buildfarm.vocab.text import one_line
from buildfarm.vocab.upload import ResultFile, UploadTask

#: What a child runs, and a fork server is to import for it: little, since a fork copies it.
FUNCTION = "buildfarm.uploads.checking:examine"
PRELOADED = ("buildfarm.uploads.checking", "buildfarm.flow.confinement:prepare")

#: Seconds until the exit code of a child that broke off is known.
_REAPED = 10.0

#: Characters of a refusal that are kept.
_MAX_REASON = 1000

_NO_ANSWER = "The check of these results did not answer as it should."


@dataclass(frozen=True, slots=True)
class CheckJob:
    """Check `results`, gathered for `task`, within `limits`."""

    task: UploadTask
    results: Sequence[ResultFile]
    limits: ResourceLimits


def check_in_child(job: CheckJob, forks: ForkServer, deadline: float) -> tuple[BinaryPackage, ...]:
    """The packages that may be published; `deadline` is in seconds.

    Raises UploadRefused, which is final, and UploadPostponed, after which the same may be checked
    again. When it ends, the child is gone.
    """
    with forks.start(FUNCTION, job) as child:
        try:
            answer = child.receive(deadline)
        except ChildTimedOut as error:
            raise UploadPostponed("The check of the results missed its deadline.") from error
        except ConversationEnded as error:
            exit_code = child.wait(_REAPED)
            if exit_code == -signal.SIGXCPU:
                raise UploadRefused(
                    "The check of these results takes too much computing."
                ) from error
            raise UploadPostponed(f"The check broke off with exit code {exit_code}.") from error
    return read_answer(answer, job.task, job.results)


def examine(conversation: Conversation, job: CheckJob) -> None:
    """Check, in the child, and answer with the packages, a refusal, or why nothing can be said."""
    try:
        conversation.send(_packages(job))
    except UploadRefused as error:
        conversation.send({"refused": str(error)[:_MAX_REASON]})
    except MemoryError:
        conversation.send({"refused": "The check of these results takes too much memory."})
    except OSError as error:
        conversation.send({"postponed": str(error)[:_MAX_REASON]})


def _packages(job: CheckJob) -> dict[str, object]:
    packages = check_results(job.task, job.results, lambda: confine(job.limits))
    numbers = {result.name: number for number, result in enumerate(job.results)}
    return {
        "packages": [
            [
                numbers[package.file.name],
                package.name,
                package.version,
                package.architecture,
                package.classified,
            ]
            for package in packages
        ]
    }


def read_answer(
    answer: Any, task: UploadTask, results: Sequence[ResultFile]
) -> tuple[BinaryPackage, ...]:
    """The packages that a child's answer lets pass; raises what else it says.

    What can be told without reading the results is compared once more: each package is another
    file of this build, has the name that it must have, and is one that the source declares.
    """
    match answer:
        case {"packages": [_, *_] as rows, **others} if not others:
            packages = tuple(_package(row, task, results) for row in rows)
            if len({package.file for package in packages}) == len(packages):
                return packages
        case {"refused": str() as reason, **others} if not others:
            raise UploadRefused(one_line(reason, _MAX_REASON))
        case {"postponed": str() as reason, **others} if not others:
            raise UploadPostponed(one_line(reason, _MAX_REASON))
    raise UploadRefused(_NO_ANSWER)


def _package(row: Any, task: UploadTask, results: Sequence[ResultFile]) -> BinaryPackage:
    match row:
        case [int() as number, str() as name, str() as version, str() as architecture, bool()]:
            if number is not True and 0 <= number < len(results):
                package = BinaryPackage(results[number], name, version, architecture, row[4])
                expected = package.stem + package.suffix
                packed = package.suffix in PACKAGE_SUFFIXES
                if packed and package.file.name == expected and is_declared(name, task.binaries):
                    return package
    raise UploadRefused(_NO_ANSWER)
