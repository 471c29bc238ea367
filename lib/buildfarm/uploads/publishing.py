"""One try to publish one build's results: check and upload, each in a child that can be killed.

Layer 3; DESIGN section 3, steps 8 and 9, and section 8. Tests in
`tests/functional/uploads/test_publishing.py`. Blocks: for the threads of the upload stage.

The results are checked by a confined child of their own (`checking`). Another publishes them,
holding the archive's lock; so does every program that it runs. A child of an earlier manager that
still holds the lock is waited for, then killed, before this one goes on. An upload's child whose
try ended well is used again; after any other end it is killed with all that it has started.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from buildfarm.flow.childpool import ChildPool
from buildfarm.flow.forks import Child, ForkServer
from buildfarm.flow.limits import ResourceLimits
from buildfarm.flow.lockfiles import clear
from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.checking import CheckJob, check_in_child
from buildfarm.uploads.jobs import CHECKED, PREPARED, UploadJob
from buildfarm.uploads.locks import archive_lock
from buildfarm.uploads.memory import is_published
from buildfarm.vocab.errors import (
    ChildError,
    ChildTimedOut,
    ConversationEnded,
    DiskFull,
    LockHeld,
    UploadPostponed,
    UploadRefused,
)
from buildfarm.vocab.settings import UploadSettings
from buildfarm.vocab.upload import ResultFile, UploadTask

#: Seconds for the child of a manager that is no more to end by itself: it takes back what it has
#: begun when it finds nobody to report to.
_ORPHAN_GRACE = 10.0

#: Seconds until the exit code of a child that broke off is known.
_REAPED = 10.0


def publish(
    task: UploadTask,
    results: tuple[ResultFile, ...],
    commit_prepared: Callable[[], None],
    *,
    checks: ForkServer,
    children: ChildPool,
    settings: UploadSettings,
    locks_dir: Path,
    checkpoint: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once the results are published, by this try or an earlier one.

    `commit_prepared` is called when a `directory` upload is prepared, and returns when the
    database says so; `checkpoint` at each step. Raises UploadRefused, which is final, and
    UploadPostponed or DiskFull, after which the same may be tried again. When it ends, nothing
    of this try is still at work.
    """
    lock = archive_lock(locks_dir, task.archive.name)
    if _are_gone(task, results):
        if is_published(task):
            return
        raise UploadRefused(
            f"The results of {task.title} are not in the spool any more; "
            f"`buildd-manager build retry {task.build_id} --rebuild` builds it again."
        )
    try:
        packages = _checked(task, results, checks, settings)
        with children.lend() as child:
            clear(lock, _ORPHAN_GRACE)
            checkpoint(CHECKED)
            until = clock() + settings.deadline
            child.send(UploadJob(task, results, packages, lock))
            while step := _next_step(child, max(0.0, until - clock())):
                if step == PREPARED:
                    commit_prepared()
                checkpoint(step)
                child.send("go on")
    except (ChildError, LockHeld) as error:
        raise UploadPostponed(str(error)) from error


def _are_gone(task: UploadTask, results: tuple[ResultFile, ...]) -> bool:
    """Whether the results are needed and the spool, which is there, has nothing of them.

    So it is after their upload, and with a restored database that does not know of that.
    """
    if task.attempt.prepared or not results:
        return False
    spool = results[0].path.parent
    return spool.parent.is_dir() and not spool.exists()


def _checked(
    task: UploadTask,
    results: tuple[ResultFile, ...],
    checks: ForkServer,
    settings: UploadSettings,
) -> tuple[BinaryPackage, ...]:
    """What passes the check. What is prepared has passed it, and may be gone from the spool."""
    if task.attempt.prepared:
        return ()
    job = CheckJob(task, results, _check_limits(settings))
    return check_in_child(job, checks, settings.check_deadline)


def _check_limits(settings: UploadSettings) -> ResourceLimits:
    """Half of the check's deadline may be computing, so that what is greedy is told from busy."""
    cpu = math.ceil(settings.check_deadline / 2)
    return ResourceLimits(memory=settings.check_memory, cpu=cpu)


def _next_step(child: Child, deadline: float) -> str | None:
    """The step that the child has come to; None when the results are published."""
    try:
        message: Mapping[str, Any] = child.receive(deadline)
    except ChildTimedOut as error:
        raise UploadPostponed("The upload did not end before its deadline.") from error
    except ConversationEnded as error:
        exit_code = child.wait(_REAPED)
        raise UploadPostponed(f"The upload broke off with exit code {exit_code}.") from error
    match message:
        case {"step": str() as step}:
            return step
        case {"published": True}:
            return None
        case {"refused": str() as reason}:
            raise UploadRefused(reason)
        case {"postponed": str() as reason}:
            raise UploadPostponed(reason)
        case {"full": str() as reason}:
            raise DiskFull(reason)
    raise UploadPostponed("The upload's child sent what is no answer.")
