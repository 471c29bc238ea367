"""Each step of the scan plan, carried out for one builder.

Layer 4. `verdicts.scanplan` says which step; the methods here are named after its members, return
the seconds until the next cycle, and raise where a step failed. One runs at a time.
Tests: tests/unit/scanning/test_steps.py.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from twisted.logger import Logger

from buildfarm.builders.client import BuilderClient
from buildfarm.flow.reactors import Clock
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.crew import Crew
from buildfarm.scanning.dispatch import Handover
from buildfarm.scanning.job import Job, Standing
from buildfarm.verdicts.scanplan import Machine, Step, machine_of
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import BuilderError, ResetFailed
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.progress import ClaimRequest, ProgressNote
from buildfarm.vocab.states import AttemptState, CleanStatus

#: The next cycle follows at once.
NOW = 0.0

#: The steps that bring a real builder to rest.
_TO_REST = frozenset({Step.ABORT, Step.AWAIT_ABORT, Step.CLEAN, Step.CONFIRM_IDLE})


class Steps:
    """One builder, what it holds, and what can be done next."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        utc_now: Callable[[], datetime],
        standing: Standing,
        make_client: Callable[[BuilderSnapshot], BuilderClient],
        crew: Crew,
        wakeup: Wakeup,
    ) -> None:
        """`make_client` is called again when the builder's URL was changed."""
        self._reactor = reactor
        self._utc_now = utc_now
        self._make_client = make_client
        self._builder = standing.builder
        self.client = make_client(standing.builder)
        self.job: Job | None = None
        #: Whether to ask for work at the next chance, and not only when some arrives.
        self.seeking = True
        self._crew = crew
        self._wakeup = wakeup
        #: Since when it has been brought to rest without becoming clean, and by which step last.
        self._resting_since: float | None = None
        self._previous = Step.ASK
        #: Which reset is awaited, and since when by the reactor: wall time may jump.
        self._awaited: tuple[datetime, float] | None = None
        self._acts: Mapping[Step, Callable[[Observation | None], Awaitable[float]]] = {
            Step.REST: self._rest,
            Step.SEEK: self._seek,
            Step.DISPATCH: self._dispatch,
            Step.WATCH: self._watch,
            Step.GATHER: self._gather,
            Step.LOSE: self._lose,
            Step.CANCEL: self._cancel,
            Step.ABORT: self._abort,
            Step.AWAIT_ABORT: self._await_abort,
            Step.CLEAN: self._clean,
            Step.CONFIRM_IDLE: self._confirm_idle,
            Step.RESET: self._reset,
            Step.AWAIT_RESET: self._await_reset,
            Step.BREACH: self._breach,
        }
        self._take_order(standing.order)

    @property
    def builder(self) -> BuilderSnapshot:
        """The builder as the database last had it, whichever act told us."""
        return self._builder

    @builder.setter
    def builder(self, builder: BuilderSnapshot) -> None:
        moved = builder.url != self._builder.url
        self._builder = builder
        if moved:
            self.client.close()
            self.client = self._make_client(builder)

    def _take_order(self, order: BuildOrder | None) -> None:
        now = self._reactor.seconds()
        self.job = None if order is None else Job(order, order.attempt.state, now, now)

    def take_standing(self, standing: Standing) -> None:
        """Believe the database where it and we may differ: it was changed by somebody else."""
        self.builder = standing.builder
        self.seeking = True
        held = None if self.job is None else self.job.order.attempt.id
        if standing.order is None or standing.order.attempt.id != held:
            self._take_order(standing.order)

    async def carry_out(self, step: Step, said: Observation | None) -> float:
        """Do `step`, for which the builder said `said`; the seconds until the next cycle."""
        if step not in _TO_REST:
            self._resting_since = None
        try:
            return await self._acts[step](said)
        finally:
            self._previous = step

    # A builder that holds nothing.

    async def _rest(self, said: Observation | None) -> float:
        if not self.builder.active:
            self._crew.work.is_removed(self.builder.id)
        return self._crew.pace.idle(self.builder.id)

    async def _seek(self, said: Observation | None) -> float:
        if not self.seeking:
            self._crew.work.is_idle(self.builder.id)
            return self._crew.pace.idle(self.builder.id)
        return await self._claim(ClaimRequest(self.builder.id))

    async def _claim(self, request: ClaimRequest) -> float:
        self.seeking = False
        claim = await self._crew.work.claim(request)
        self.builder = claim.builder
        if claim.order is None:
            return await self._seek(None)
        self._take_order(claim.order)
        return await self._dispatch(None)

    # A builder that holds a job.

    def _held(self) -> Job:
        assert self.job is not None, "the plan takes this step only for a builder that holds a job"
        return self.job

    async def _dispatch(self, said: Observation | None) -> float:
        job = self._held()
        handover, reason = await self._crew.dispatcher.dispatch(self.client, job)
        if handover is Handover.CONFIRMED:
            job.since = job.tail_noted = self._reactor.seconds()
            self._note(confirmed=self._utc_now())
            self.log.info(
                "builder={builder} {job} dispatched: {title}",
                builder=self.builder.name,
                job=job.label,
                title=job.order.title,
            )
            return self._pace_of(job)
        if handover is Handover.NOT_IDLE:
            return await self._end(self._crew.judge.breach(self.builder, job, reason))
        if handover is Handover.CANCELLED:
            return await self._end(self._crew.judge.cancelled(self.builder, job, reason))
        return await self._end(self._crew.judge.unconfirmed(self.builder, job, reason))

    async def _watch(self, said: Observation | None) -> float:
        job = self._held()
        now = self._reactor.seconds()
        if now - job.since > self._crew.scanning.build_deadline:
            return await self._end(self._crew.judge.overdue(self.builder, job, "BUILDING"))
        if job.state is AttemptState.SENT:
            job.state = AttemptState.CONFIRMED
            self._note(confirmed=self._utc_now())
        if said is not None:
            job.logtail = said.logtail.decode("utf-8", "replace")
        if now - job.tail_noted >= self._crew.scanning.tail_interval:
            job.tail_noted = now
            self._note(logtail=job.logtail)
        return self._pace_of(job)

    async def _gather(self, said: Observation | None) -> float:
        job = self._held()
        assert said is not None, "the plan gathers only from a builder that was asked"
        self._note(gathering=True)
        gathered = await self._crew.gatherer.gather(self.client, job, said)
        self._crew.progress.forget(job.order.attempt.id)
        await self._end(self._crew.judge.ended(self.builder, job, said, gathered))
        if machine_of(self.builder) is Machine.REAL and self.builder.builderok:
            await self._crew.cleaner.clean_after_gather(self.client)
            return await self._claim(ClaimRequest(self.builder.id, becomes_clean=True))
        return NOW

    async def _lose(self, said: Observation | None) -> float:
        found = "nothing that was asked" if said is None else said.status.name
        cookie = "" if said is None or said.build_id is None else f" {said.build_id}"
        reason = f"the builder said {found}{cookie} while it should have been working on this"
        by_its_word = said is not None
        lost = self._crew.judge.lost(self.builder, self._held(), reason, by_its_word=by_its_word)
        return await self._end(lost)

    async def _cancel(self, said: Observation | None) -> float:
        reason = "cancelled as asked"
        return await self._end(self._crew.judge.cancelled(self.builder, self._held(), reason))

    async def _breach(self, said: Observation | None) -> float:
        found = "something" if said is None else f"{said.status.name} {said.build_id or ''}".strip()
        reason = f"the builder said {found} while it was clean and should have been idle"
        return await self._end(self._crew.judge.breach(self.builder, self.job, reason))

    async def _end(self, verdict: Awaitable[BuilderSnapshot]) -> float:
        self.job_ended(await verdict)
        return NOW

    def job_ended(self, builder: BuilderSnapshot) -> None:
        """A verdict was passed: `builder` is as it left it; the job, if there was one, is over."""
        self.builder = builder
        if self.job is not None:
            self._crew.progress.forget(self.job.order.attempt.id)
        self.job = None
        self.seeking = True

    # Cleaning.

    async def _abort(self, said: Observation | None) -> float:
        """Each time that it says BUILDING: it may not have heard the last one, or begun late."""
        try:
            await self.client.abort()
        except BuilderError as error:
            self._resting_since = None
            if self.job is None:
                raise
            # From here on the builder is not believed until it was cleaned.
            reason = f"cancelled; `abort` was not answered as it should be: {error}"
            return await self._end(self._crew.judge.cancelled(self.builder, self.job, reason))
        return await self._await_abort(said)

    async def _await_abort(self, said: Observation | None) -> float:
        return await self._await_rest("ABORTING")

    async def _await_rest(self, state: str, times: int = 1) -> float:
        """Until it is at rest, however its answers go to and fro; beyond the deadline it is out."""
        now = self._reactor.seconds()
        if self._resting_since is None:
            self._resting_since = now
        if now - self._resting_since > times * self._crew.scanning.abort_deadline:
            return await self._end(self._crew.judge.overdue(self.builder, self.job, state))
        return self._crew.pace.ending(self.builder.id)

    async def _clean(self, said: Observation | None) -> float:
        await self.client.clean()
        waits = await self._await_rest("DIRTY", times=2)
        return waits if self._previous is Step.CLEAN else NOW

    async def _confirm_idle(self, said: Observation | None) -> float:
        if not await self._crew.cleaner.confirm_idle(self.client):
            return await self._await_rest("DIRTY", times=2)
        return await self._claim(ClaimRequest(self.builder.id, becomes_clean=True))

    async def _reset(self, said: Observation | None) -> float:
        self.builder, output = await self._crew.cleaner.reset(
            self.builder, self.client, self._wakeup
        )
        if machine_of(self.builder) is Machine.VIRTUAL_2_0:
            self.log.info("builder={builder} its reset was accepted", builder=self.builder.name)
            return await self._await_reset(said)
        self.log.info("builder={builder} was reset", builder=self.builder.name)
        return await self._claim(ClaimRequest(self.builder.id, True, output))

    async def _await_reset(self, said: Observation | None) -> float:
        now, accepted = self._reactor.seconds(), self.builder.date_clean_status_changed
        if not self._awaited or self._awaited[0] != accepted:
            self._awaited = accepted, now
        left = self._awaited[1] + self._crew.resets.cleaning_deadline - now
        if left > 0:
            return left
        self.builder = await self._crew.cleaner.mark(
            self.builder, CleanStatus.DIRTY, "its reset was never reported to have ended"
        )
        raise ResetFailed(
            f"the reset of {self.builder.name} was accepted and nobody reported its end within "
            f"{self._crew.resets.cleaning_deadline:g} s"
        )

    # What is told to others.

    def _note(
        self,
        confirmed: datetime | None = None,
        gathering: bool = False,
        logtail: str | None = None,
    ) -> None:
        attempt = self._held().order.attempt
        self._crew.progress.note(
            ProgressNote(attempt.id, attempt.build_id, confirmed, gathering, logtail)
        )

    def _pace_of(self, job: Job) -> float:
        elapsed = self._reactor.seconds() - job.since
        return self._crew.pace.building(
            self.builder.id, elapsed, job.order.estimated_duration, watched=job.watchers > 0
        )
