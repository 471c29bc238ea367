"""One root error per boundary, translated once where the boundary is crossed.

Every message is a sentence that names what happened, to what, and where it helps what to do.
"""

from buildfarm.vocab.secrets import without_secrets


class FarmError(Exception):
    """The root of all errors that the farm raises on purpose; a message holds no secret."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(
            *(without_secrets(one) if isinstance(one, str) else one for one in arguments)
        )


class Refused(FarmError):
    """A person's request cannot be carried out; the message is shown as it is, exit status 1."""


class SettingsError(Refused):
    """A configuration file cannot be used; the message names file, key and reason."""


class BuilderError(FarmError):
    """Talking to a builder failed. The root for the `builders` boundary.

    `sent` is false only where it is certain that nothing of the request was put on the wire.
    """

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class BuilderUnreachable(BuilderError):
    """No connection, a refused one, or one that was lost before the answer was complete."""


class BuilderTimedOut(BuilderError):
    """A builder did not answer, or not fast enough, before the deadline of the call."""


class BuilderNonsense(BuilderError):
    """A builder answered with something that the protocol does not allow: never believed."""


class BuilderFault(BuilderError):
    """The daemon answered with an XML-RPC fault.

    `code` is its fault code: 8001 for an unknown method, 8002 for anything that raised.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class ResultsRefused(BuilderError):
    """Results that a builder offers break a limit: the job's fault, wherever it is built."""


class ResultsCorrupt(BuilderError):
    """What a builder sent is not what it had announced (a digest, a size): it is judged for it."""


class ResetFailed(BuilderError):
    """A reset command failed, hung or could not be started; `output` is the end of what it said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class StorageError(FarmError):
    """The database could not be read or written: the manager's fault, nobody else's."""


class DatabaseAway(StorageError):
    """The database server cannot be reached, or a connection to it was lost; it may come back."""


class StaleState(StorageError):
    """A guarded update matched no row: the thing has moved on, or a newer manager owns it."""


class UploadError(FarmError):
    """Publishing failed. The root for the `uploads` boundary."""


class UploadRefused(UploadError):
    """The archive, or the check before it, refuses these results for good: FAILEDTOUPLOAD."""


class UploadPostponed(UploadError):
    """The archive cannot take these results now; they are tried again later."""


class DiskFull(FarmError):
    """Our own disk has no room left: the manager's fault; dispatch pauses."""


class FileRefused(Refused):
    """A file is larger than it may be, or not the one that its digest names; it was not kept."""


class FileMissing(FarmError):
    """The file store has no file of this digest."""


class FlowError(FarmError):
    """Threads, children or queues could not do what was asked. The root for the `flow` boundary."""


class Stopped(FlowError):
    """Work was offered to, or still waiting in, something that has been stopped."""


class BodyLost(FlowError):
    """The body of a request did not come whole: its client went away, or was too slow."""


class LockHeld(FlowError):
    """Another process holds a lock file; `pid` is its holder, None where that cannot be told."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class ChildError(FlowError):
    """A child process could not be started, failed, or broke off its conversation.

    `details` is the traceback where the child could still tell it, made safe to show.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class ConversationEnded(ChildError):
    """The other side of a conversation has ended: the child, or the manager it was started by."""


class ChildTimedOut(ChildError):
    """A child process did not answer, or did not end, before the deadline."""


class FarmUnreachable(FarmError):
    """A farm's web service does not answer, or what answers at its address is something else."""
