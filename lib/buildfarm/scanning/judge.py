"""The judge's executioner: has each ending and failure settled, in one act each.

Layer 4; DESIGN section 6. Who is to blame and what follows is decided by `verdicts.failure` and
`verdicts.settling`, which are pure; this module gives them the evidence and has what they decide
written. It also keeps the rows of failures of each builder, of which only a long one counts, and
notices when so many fail together that it must be the network.
Tests: tests/unit/scanning/test_judge.py.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from twisted.logger import Logger
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock
from buildfarm.scanning.discretion import hides, is_private, without_names
from buildfarm.scanning.gather import Gathered
from buildfarm.scanning.job import Job
from buildfarm.scanning.pauses import DATABASE, DISK, Pauses
from buildfarm.storage import attempts
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts import settling
from buildfarm.verdicts.failure import ScanFailures, culprit_of, network_suspects
from buildfarm.verdicts.scanplan import Machine, machine_of
from buildfarm.vocab.build import JobStanding, StoredFile
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import (
    BuilderTimedOut,
    BuilderUnreachable,
    DiskFull,
    FarmError,
    ResetFailed,
    StorageError,
)
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.settlement import JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import AttemptOutcome, AttemptState, CleanStatus, Culprit
from buildfarm.vocab.text import one_line

#: What `Pauses` calls a loss of many builders.
NETWORK = "network"


class Judge:
    """Settles what becomes of builders and jobs. Every method returns the builder as it is then."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        storage: Transactor,
        epoch: Epoch,
        utc_now: Callable[[], datetime],
        scanning: ScanningSettings,
        pauses: Pauses,
        farm_size: Callable[[], int],
        keep_tail: Callable[[Job], Awaitable[StoredFile | None]],
        checkpoint: Callable[[str], None],
    ) -> None:
        """`farm_size` is the number of builders in use, for the network rule.

        `keep_tail` stores the last log tail of a job; it does not fail.
        """
        self._reactor = reactor
        self._storage = storage
        self._epoch = epoch
        self._utc_now = utc_now
        self.scanning = scanning
        self._pauses = pauses
        self._farm_size = farm_size
        self._keep_tail = keep_tail
        self._checkpoint = checkpoint
        self._failures: dict[int, ScanFailures] = {}
        self._unreachable_since: dict[int, float] = {}
        #: How attempts have ended since the start.
        self.outcomes: Counter[AttemptOutcome] = Counter()

    # How an attempt ended.

    async def ended(
        self, builder: BuilderSnapshot, job: Job, said: Observation, gathered: Gathered
    ) -> BuilderSnapshot:
        """The builder said how the build ended, and log and results are on our disk."""
        self._checkpoint("gather.downloaded")
        assert said.outcome is not None, "the client refuses WAITING without a build status"
        standing = job.order.standing
        if gathered.refusal is not None:
            settlement = settling.settle_results_refused(
                builder, standing, gathered.refusal, gathered.log
            )
        else:
            settlement = settling.settle_outcome(
                builder,
                standing,
                said.outcome,
                self._utc_now(),
                log=gathered.log,
                files=gathered.files,
                dependencies=said.dependencies,
            )
        builder = await self._settle(builder, job, settlement)
        self._checkpoint("gather.settled")
        return builder

    async def lost(
        self, builder: BuilderSnapshot, job: Job, evidence: str, *, by_its_word: bool = False
    ) -> BuilderSnapshot:
        """The job is not on the builder any more; `by_its_word`: the builder itself says so."""
        confirmed = by_its_word and job.state is AttemptState.CONFIRMED
        settlement = settling.settle_lost(
            builder, job.order.standing, evidence, self._utc_now(), confirmed=confirmed
        )
        return await self._settle(builder, job, settlement)

    async def unconfirmed(
        self, builder: BuilderSnapshot, job: Job, evidence: str
    ) -> BuilderSnapshot:
        """`build` was sent, and not answered with what confirms it."""
        now = self._utc_now()
        settlement = settling.settle_unconfirmed(builder, job.order.standing, evidence, now)
        return await self._settle(builder, job, settlement)

    async def cancelled(self, builder: BuilderSnapshot, job: Job, evidence: str) -> BuilderSnapshot:
        """The job was cancelled, and nothing of it is to be gathered."""
        settlement = settling.settle_cancelled(builder, job.order.standing, evidence)
        return await self._settle(builder, job, settlement)

    async def overdue(
        self, builder: BuilderSnapshot, job: Job | None, what: str
    ) -> BuilderSnapshot:
        """The builder has been BUILDING or ABORTING for longer than it may."""
        evidence = f"{builder.name} has been {what} for longer than its deadline"
        settlement = settling.settle_overdue(builder, _standing(job), evidence, self._utc_now())
        return await self._settle(builder, job, settlement)

    async def breach(
        self, builder: BuilderSnapshot, job: Job | None, evidence: str
    ) -> BuilderSnapshot:
        """The builder runs something while it should be clean."""
        settlement = settling.settle_breach(builder, _standing(job), evidence, self._utc_now())
        return await self._settle(builder, job, settlement)

    # What went wrong in a cycle.

    def answered(self, builder_id: int) -> None:
        """The builder answered: what it may have failed since does not look like the network."""
        if self._unreachable_since.pop(builder_id, None) is not None and not self._suspects():
            self._pauses.resume(NETWORK)

    def succeeded(self, builder_id: int) -> None:
        """A whole cycle of this builder went well: a row of failures, if there was one, is over."""
        self._failures.pop(builder_id, None)

    def forget(self, builder_id: int) -> None:
        """The builder was removed."""
        self.succeeded(builder_id)
        self.answered(builder_id)

    async def failed(
        self, builder: BuilderSnapshot, job: Job | None, error: Exception
    ) -> tuple[BuilderSnapshot, bool]:
        """A cycle failed with `error`: the builder as it is then, and whether its job ended.

        Most often nothing is written: one failed scan says little.
        """
        self._log_failure(builder, error)
        culprit = _culprit_of_any(error)
        if culprit in (Culprit.MANAGER, Culprit.NOBODY):
            self._pause_for(error)
            return builder, False
        if not self._counts(builder, error):
            return builder, False
        hidden, shared = hides(job, error), None if culprit is Culprit.BUILDER else job
        return await self._settle_failure(builder, shared, error, hidden)

    async def _settle_failure(
        self, builder: BuilderSnapshot, job: Job | None, error: Exception, hidden: bool
    ) -> tuple[BuilderSnapshot, bool]:
        sent = job is None or job.state is not AttemptState.CLAIMED
        settlement = settling.settle_failure(
            builder, _standing(job), str(error), self._utc_now(), sent=sent
        )
        self._failures.pop(builder.id, None)
        builder = await self._settle(builder, job, settlement, hidden=hidden)
        if job is not None and isinstance(settlement.job, JobWarning):
            warned = replace(job.order.standing, failure_count=settlement.job.failure_count)
            job.order = replace(job.order, standing=warned)
            return builder, False
        return builder, job is not None and settlement.job is not None

    def _counts(self, builder: BuilderSnapshot, error: Exception) -> bool:
        """Whether this failure completes a row that counts as one, and is not the network's."""
        now = self._reactor.seconds()
        row = self._failures.get(builder.id, ScanFailures()).again(now)
        self._failures[builder.id] = row
        if isinstance(error, BuilderUnreachable | BuilderTimedOut):
            self._unreachable_since.setdefault(builder.id, now)
            suspects = self._suspects()
            if suspects:
                self._raise_alarm(len(suspects))
            if builder.id in suspects:
                return False
        # A reset that failed took its time and was tried as the command thought right.
        return isinstance(error, ResetFailed) or row.persistent(
            now, self.scanning.failures_to_count, self.scanning.failure_span
        )

    def _suspects(self) -> frozenset[int]:
        return network_suspects(self._unreachable_since, self._farm_size())

    def _raise_alarm(self, builders: int) -> None:
        reason = (
            f"{builders} builders became unreachable within a minute: it looks like the network, "
            "so none of them is blamed"
        )
        if self._pauses.note(NETWORK, reason):
            self.log.critical("{reason}", reason=reason)

    def _pause_for(self, error: Exception) -> None:
        if isinstance(error, DiskFull | OSError):
            self._pauses.pause(DISK, str(error))
        elif isinstance(error, StorageError):
            self._pauses.pause(DATABASE, f"the database cannot be used: {error}")

    def _log_failure(self, builder: BuilderSnapshot, error: Exception) -> None:
        if isinstance(error, FarmError):
            self.log.warn(
                "builder={builder} {error}", builder=builder.name, error=one_line(str(error))
            )
        else:
            failure = Failure(error)
            self.log.failure("builder={builder} a step failed", failure, builder=builder.name)

    async def _settle(
        self,
        builder: BuilderSnapshot,
        job: Job | None,
        settlement: Settlement,
        *,
        hidden: bool | None = None,
    ) -> BuilderSnapshot:
        """Write a verdict, nameless if `hidden`; an attempt without a log keeps its last tail."""
        if is_private(job) if hidden is None else hidden:
            settlement = without_names(settlement)
        ending = settlement.job
        if job is not None and isinstance(ending, JobSettlement) and ending.log is None:
            log = await self._keep_tail(job)
            settlement = replace(settlement, job=replace(ending, log=log))
        settlement = _reset_follows(builder, settlement)
        settled = await self._storage.write(
            attempts.settle, self._epoch, settlement, self._utc_now()
        )
        if isinstance(ending, JobSettlement) and ending.outcome is not None:
            self.outcomes[ending.outcome] += 1
        self.log.info(
            "builder={builder} {job}settled: {reason}",
            builder=builder.name,
            job="" if job is None else f"{job.label} ",
            reason=one_line(settlement.reason),
        )
        return builder if settled is None else settled


def _culprit_of_any(error: Exception) -> Culprit:
    """As `culprit_of`, of what is no error of the farm's as well.

    What a builder's connection raises is translated where it is made, so an OSError that comes this
    far is our own machine's. A mistake in our code may be brought out by a builder or a job.
    """
    if isinstance(error, OSError):
        return Culprit.MANAGER
    return culprit_of(error) if isinstance(error, FarmError) else Culprit.BOTH


def _standing(job: Job | None) -> JobStanding | None:
    return None if job is None else job.order.standing


def _reset_follows(builder: BuilderSnapshot, settlement: Settlement) -> Settlement:
    """`settlement` with the mark that the reset of a 1.1 builder begins, if it does.

    The reset follows at once when its job has ended, so the mark shares that act (at most five to
    a build, DESIGN section 7); found after a crash, CLEANING means that it is reset again.
    """
    verdict = settlement.builder
    stays = builder.active and builder.builderok and verdict and verdict.builderok is None
    ends = isinstance(settlement.job, JobSettlement)
    if verdict is None or not (stays and ends and machine_of(builder) is Machine.VIRTUAL_1_1):
        return settlement
    return replace(settlement, builder=replace(verdict, clean_status=CleanStatus.CLEANING))
