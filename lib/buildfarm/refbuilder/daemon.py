"""What the daemon does with each call: its states, and which call is allowed in which.

Beside the layers. The calls, their replies and faults are launchpad-buildd's, held to that by the
contract suite in tests/contract. Different where the genuine one's way helps nobody: a call that
faults changes nothing, a `build` is refused before it has begun or not at all, and a download
does not keep the daemon from answering. Tests: tests/unit/refbuilder/test_daemon.py.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.fetching import Fetcher
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.job import CallRefused, Ending, Job
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import BuildOutcome, DaemonStatus
from buildfarm.wire.builderrpc import MAX_LOGTAIL, Value, status_value

PROTOCOL_VERSION = "1.0"
BUILD_TYPES = ("binarypackage",)

#: Outcomes whose status names files and dependencies, few or none.
_WITH_FILES = frozenset({BuildOutcome.OK, BuildOutcome.PACKAGEFAIL, BuildOutcome.DEPFAIL})


class Backend(Protocol):
    """What builds; one job at a time."""

    async def build(self, job: Job) -> Ending:
        """Build to the end. Every failure is an ending; what it started is gone by then."""

    async def abort(self) -> None:
        """Have `build` end soon, whatever it is at; returns when everything was killed."""


class Daemon:
    """The state of one builder, forgotten with this object, and the calls that move it.

    Every method named like a call takes its parameters and returns its reply. All raise
    CallRefused where the caller is to get a fault.
    """

    log = Logger()

    def __init__(
        self,
        architecture: str,
        cache: FileCache,
        fetcher: Fetcher,
        backend: Backend,
        workers: Workers,
    ) -> None:
        self._architecture = architecture
        self._cache = cache
        self._fetcher = fetcher
        self._backend = backend
        self._workers = workers
        self._state = DaemonStatus.IDLE
        self._build_id: str | None = None
        self._ending: Ending | None = None
        self._cleaning = False

    def echo(self, *values: Value) -> list[Value]:
        """The arguments."""
        return list(values)

    def info(self) -> list[Value]:
        """Protocol version, architecture, build types."""
        return [PROTOCOL_VERSION, self._architecture, list(BUILD_TYPES)]

    def status(self) -> dict[str, Value]:
        """What the daemon is doing, and for whom."""
        return status_value(self._observation())

    async def ensurepresent(
        self, sha1: Value, url: Value, user: Value, password: Value
    ) -> list[Value]:
        """Whether the input is there, after downloading it if need be, and how it came."""
        match (sha1, url, user, password):
            case (str(), str() | None, str() | None, str() | None):
                ensure = self._fetcher.ensure_present
                present, text = await self._workers.run(
                    ensure, sha1, url, user or "", password or ""
                )
                return [present, text]
        raise CallRefused("ensurepresent takes four texts.")

    def build(
        self, build_id: Value, builder_type: Value, chroot: Value, filemap: Value, args: Value
    ) -> list[Value]:
        """Begin to build, if everything that this needs is there."""
        if builder_type not in BUILD_TYPES:
            text = f"{builder_type!s} not in {list(BUILD_TYPES)}"
            return [DaemonStatus.UNKNOWNBUILDER.value, text]
        if not isinstance(filemap, Mapping):
            raise CallRefused("A filemap maps names to digests.")
        missing = self._missing(chroot, filemap)
        if missing is not None:
            return [DaemonStatus.UNKNOWNSUM.value, missing]
        job = Job.from_call(
            build_id,
            self._input(chroot),
            {name: self._input(sha1) for name, sha1 in filemap.items()},
            args,
            self._architecture,
        )
        self._demand(DaemonStatus.IDLE, "build")
        self._start(job)
        return [DaemonStatus.BUILDING.value, job.build_id]

    def abort(self) -> str:
        """Begin to end the build."""
        if self._state is not DaemonStatus.ABORTING:
            self._demand(DaemonStatus.BUILDING, "abort")
            self._move(DaemonStatus.ABORTING)
            Deferred.fromCoroutine(self._backend.abort()).addErrback(self._log_failure)
        return self._state.value

    async def clean(self) -> str:
        """Forget the build, its log and its results."""
        self._demand(DaemonStatus.WAITING, "clean")
        if self._cleaning:
            raise CallRefused("This daemon is being cleaned.")
        self._cleaning = True
        try:
            await self._workers.run(self._cache.forget_build)
        finally:
            self._cleaning = False
        self._build_id = self._ending = None
        self._move(DaemonStatus.IDLE)
        return self._state.value

    def _observation(self) -> Observation:
        ending = self._ending
        if ending is not None:
            with_files = ending.outcome in _WITH_FILES
            return Observation(
                self._state,
                self._build_id,
                outcome=ending.outcome,
                filemap=ending.filemap,
                dependencies=ending.dependencies if with_files else None,
            )
        if self._state is DaemonStatus.BUILDING:
            tail = self._cache.log_tail(MAX_LOGTAIL)
            return Observation(self._state, self._build_id, logtail=tail)
        return Observation(self._state, self._build_id)

    def _missing(self, chroot: Value, filemap: Mapping[str, Value]) -> str | None:
        """The reply's text for the first input that is not there."""
        wanted = [("CHROOTSUM", chroot), *(("FILESUM", sha1) for sha1 in filemap.values())]
        for kind, sha1 in wanted:
            if not isinstance(sha1, str) or self._cache.input(sha1) is None:
                return f"{kind} -> {sha1!s}\n***** INFO *****\nNo URL\n****************\n"
        return None

    def _input(self, sha1: Value) -> Any:
        path = self._cache.input(str(sha1))
        assert path is not None, "asked before"
        return path

    def _start(self, job: Job) -> None:
        self._cache.start_log()
        self._build_id = job.build_id
        self._move(DaemonStatus.BUILDING)
        ended = Deferred.fromCoroutine(self._backend.build(job))
        ended.addErrback(self._builder_failed)
        ended.addCallback(self._build_ended)

    def _builder_failed(self, failure: Any) -> Ending:
        self._log_failure(failure)
        return Ending(BuildOutcome.BUILDERFAIL)

    def _build_ended(self, ending: Ending) -> None:
        aborted = self._state is DaemonStatus.ABORTING
        self._ending = Ending(BuildOutcome.ABORTED) if aborted else ending
        self._move(DaemonStatus.WAITING)

    def _demand(self, state: DaemonStatus, call: str) -> None:
        if self._state is not state:
            raise CallRefused(f"{call}: this daemon is {self._state.name}, not {state.name}.")

    def _move(self, state: DaemonStatus) -> None:
        self.log.info(
            "{before} → {after} {build}",
            before=self._state.name,
            after=state.name,
            build=self._build_id or "",
        )
        self._state = state

    def _log_failure(self, failure: Any) -> None:
        self.log.failure("the build of {build}", failure, build=self._build_id)
