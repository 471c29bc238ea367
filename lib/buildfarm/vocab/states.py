"""Every state that a thing of the farm can be in.

Values are the words that operators see: in the database, in JSON, on pages and in messages.
Which state may follow which is decided in `verdicts.transitions`; this module only names them.
"""

from enum import Enum


class CleanStatus(Enum):
    """Whether a builder may be given a build."""

    CLEAN = "CLEAN"
    DIRTY = "DIRTY"
    CLEANING = "CLEANING"


class Service(Enum):
    """Whether a builder takes part in the farm: its `builderok`, as events tell it."""

    IN = "IN SERVICE"
    OUT = "OUT OF SERVICE"


class ResetProtocol(Enum):
    """How a virtual builder's reset command reports its end: by returning, or later."""

    SYNCHRONOUS = "1.1"
    ASYNCHRONOUS = "2.0"


class BuildState(Enum):
    """Where a build is in its life; terminal states have no queue entry."""

    NEEDSBUILD = "NEEDSBUILD"
    BUILDING = "BUILDING"
    GATHERING = "GATHERING"
    UPLOADING = "UPLOADING"
    FULLYBUILT = "FULLYBUILT"
    FAILEDTOBUILD = "FAILEDTOBUILD"
    MANUALDEPWAIT = "MANUALDEPWAIT"
    CHROOTWAIT = "CHROOTWAIT"
    FAILEDTOUPLOAD = "FAILEDTOUPLOAD"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"


class QueueState(Enum):
    """What a queue entry is doing; it exists only while its build waits or runs."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUSPENDED = "SUSPENDED"


class AttemptState(Enum):
    """How far one dispatch of a build to one builder has come.

    `CLAIMED` is written in the database only; `SENT` is written just before `build` goes on the
    wire; `CONFIRMED` after the builder's own reply; `GATHERED` once its results are on our disk;
    `CLOSED` with its outcome.
    """

    CLAIMED = "CLAIMED"
    SENT = "SENT"
    CONFIRMED = "CONFIRMED"
    GATHERED = "GATHERED"
    CLOSED = "CLOSED"


#: Attempt states in which the attempt occupies its builder.
ON_BUILDER = frozenset({AttemptState.CLAIMED, AttemptState.SENT, AttemptState.CONFIRMED})


class DaemonStatus(Enum):
    """`builder_status` as launchpad-buildd sends it, and what `build` may answer."""

    IDLE = "BuilderStatus.IDLE"
    BUILDING = "BuilderStatus.BUILDING"
    WAITING = "BuilderStatus.WAITING"
    ABORTING = "BuilderStatus.ABORTING"
    UNKNOWNSUM = "BuilderStatus.UNKNOWNSUM"
    UNKNOWNBUILDER = "BuilderStatus.UNKNOWNBUILDER"


#: The states a daemon can be in; the other two members only ever answer `build`.
REPORTABLE = frozenset(
    {DaemonStatus.IDLE, DaemonStatus.BUILDING, DaemonStatus.WAITING, DaemonStatus.ABORTING}
)


class BuildOutcome(Enum):
    """`build_status` as launchpad-buildd sends it with `WAITING`."""

    OK = "BuildStatus.OK"
    DEPFAIL = "BuildStatus.DEPFAIL"
    GIVENBACK = "BuildStatus.GIVENBACK"
    PACKAGEFAIL = "BuildStatus.PACKAGEFAIL"
    CHROOTFAIL = "BuildStatus.CHROOTFAIL"
    BUILDERFAIL = "BuildStatus.BUILDERFAIL"
    ABORTED = "BuildStatus.ABORTED"


class AttemptOutcome(Enum):
    """How an attempt was closed: what became of it, not whose fault it was."""

    PUBLISHED = "PUBLISHED"
    UPLOAD_REFUSED = "UPLOAD_REFUSED"
    PACKAGE_FAILED = "PACKAGE_FAILED"
    DEPENDENCY_MISSING = "DEPENDENCY_MISSING"
    CHROOT_BROKEN = "CHROOT_BROKEN"
    GIVEN_BACK = "GIVEN_BACK"
    BUILDER_FAILED = "BUILDER_FAILED"
    ABORTED = "ABORTED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    NEVER_SENT = "NEVER_SENT"
    UNCONFIRMED = "UNCONFIRMED"
    JOB_FAILED = "JOB_FAILED"
    SUPERSEDED = "SUPERSEDED"


class Culprit(Enum):
    """Who a failure is held against; see DESIGN section 6."""

    BUILDER = "builder"
    JOB = "job"
    BOTH = "both"
    MANAGER = "manager"
    NOBODY = "nobody"


class UploaderKind(Enum):
    """How results are put into an archive."""

    DIRECTORY = "directory"
    REPREPRO = "reprepro"
    COMMAND = "command"
