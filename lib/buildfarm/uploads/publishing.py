"""One try to publish one build's results: check, then upload, each in a child that can be killed.

Layer 3; DESIGN section 3, steps 8 and 9, and section 8. Tests in
`tests/functional/uploads/test_publishing.py`. Blocks: for the threads of the upload stage.

The check's child reads what strangers wrote, within limits; the uploader's child holds the
archive's lock, and so does every program that it runs. A child of an earlier manager that still
holds it is waited for, then killed, before a new one begins.
"""

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from buildfarm.flow.forks import Child, ForkServer
from buildfarm.flow.limits import ResourceLimits
from buildfarm.flow.lockfiles import clear
from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.directory import PREPARED
from buildfarm.uploads.locks import archive_lock
from buildfarm.vocab.errors import (
    ChildError,
    ChildTimedOut,
    ConversationEnded,
    LockHeld,
    UploadPostponed,
    UploadRefused,
)
from buildfarm.vocab.settings import UploadSettings
from buildfarm.vocab.upload import ResultFile, UploadTask

#: What a fork server is to import for `publish`.
PRELOADED = ("buildfarm.uploads.children",)

#: Seconds for the uploader of a manager that is no more to end by itself: it takes back what it
#: has begun as soon as it finds nobody to report to.
_ORPHAN_GRACE = 10.0

_OPEN_FILES = 64

_CHECK = "buildfarm.uploads.children:check"
_UPLOAD = "buildfarm.uploads.children:upload"


def publish(
    task: UploadTask,
    results: tuple[ResultFile, ...],
    commit_prepared: Callable[[], None],
    *,
    forks: ForkServer,
    settings: UploadSettings,
    locks_dir: Path,
    checkpoint: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once the results are published, by this try or an earlier one.

    `commit_prepared` is called when a `directory` upload is prepared, and returns when the
    database says so. Raises UploadRefused, which is final, and UploadPostponed, after which the
    same may be tried again. Nothing of this try is still at work when it ends.
    """
    try:
        # What is prepared has passed the check, and may be gone from the spool.
        packages = () if task.attempt.prepared else _check(task, results, forks, settings)
        checkpoint("upload.checked")
        lock = archive_lock(locks_dir, task.archive.name)
        clear(lock, _ORPHAN_GRACE)
        until = clock() + settings.deadline
        with forks.start(_UPLOAD, (task, results, packages), lock) as child:
            while step := _answer(child, max(0.0, until - clock()), "upload").get("step"):
                if step == PREPARED:
                    commit_prepared()
                checkpoint(step)
                child.send("go on")
    except (ChildError, LockHeld) as error:
        raise UploadPostponed(str(error)) from error


def _check(
    task: UploadTask, results: Sequence[ResultFile], forks: ForkServer, settings: UploadSettings
) -> tuple[BinaryPackage, ...]:
    """The packages in `results`, which have passed the check."""
    limits = ResourceLimits(
        memory=settings.check_memory,
        cpu=math.ceil(settings.check_deadline / 2),
        file_size=0,
        open_files=_OPEN_FILES,
    )
    with forks.start(_CHECK, (task, results), limits=limits) as child:
        answer = _answer(child, settings.check_deadline, "check")
    files = {file.name: file for file in results}
    return tuple(
        BinaryPackage(files[file], name, version, architecture, classified)
        for file, name, version, architecture, classified in answer["passed"]
    )


def _answer(child: Child, deadline: float, doing: str) -> Mapping[str, Any]:
    """The next message of a child that is `doing` this, where it is no bad end.

    The limit on computing is a check's own fault, and so a reason to refuse for good. A deadline
    may have been missed because the machine was busy.
    """
    try:
        message = child.receive(deadline)
    except ChildTimedOut as error:
        raise UploadPostponed(
            f"The {doing} did not end before its deadline and was killed."
        ) from error
    except ConversationEnded as error:
        exit_code = child.wait(deadline)
        if exit_code == -signal.SIGXCPU:
            raise UploadRefused(
                f"The {doing} of these results takes too much computing."
            ) from error
        raise UploadPostponed(f"The {doing} was cut off with exit code {exit_code}.") from error
    match message:
        case {"refused": str() as reason}:
            raise UploadRefused(reason)
        case {"postponed": str() as reason}:
            raise UploadPostponed(reason)
        case {"step": str()} | {"passed": list()} | {"published": True}:
            return dict(message)
    raise UploadPostponed(f"The child for the {doing} sent what is no answer.")
