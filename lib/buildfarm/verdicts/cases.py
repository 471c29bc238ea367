"""From a verdict to everything that it changes, with the sentence that says why.

Layer 1, pure; used by `verdicts.settling`, whose functions are the events that make a case.
Tests: tests/unit/verdicts/test_settling.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from buildfarm.verdicts.failure import Verdict, judge_failure
from buildfarm.verdicts.outcomes import MOST_LOST, lost_delay
from buildfarm.vocab.build import JobStanding, StoredFile
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settlement import BuilderSettlement, JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildState,
    CleanStatus,
    Culprit,
)
from buildfarm.vocab.text import one_line

_MAX_EVIDENCE = 500

#: What a verdict means for the builder, as a clause.
_ON_BUILDER: Mapping[Verdict, str] = {
    Verdict.WAIT: "it is too early to tell whose fault it is",
    Verdict.REQUEUE: "nothing tells yet whose fault it is",
    Verdict.DIRTY_AND_REQUEUE: "the builder is to be cleaned",
    Verdict.FAIL_BUILDER: "the builder is disabled",
    Verdict.FAIL_JOB: "the build has failed more often than this builder",
    Verdict.FAIL_BOTH: "the builder is disabled",
}

#: What a verdict means for the job, as a clause.
_ON_JOB: Mapping[Verdict, str] = {
    Verdict.WAIT: "the build goes on",
    Verdict.REQUEUE: "the build is queued again",
    Verdict.DIRTY_AND_REQUEUE: "the build is queued again",
    Verdict.FAIL_BUILDER: "the build is queued again",
    Verdict.FAIL_JOB: "the build fails",
    Verdict.FAIL_BOTH: "the build fails, having cost too many builders",
}

_TAKES_BUILDER_OUT = frozenset({Verdict.FAIL_BUILDER, Verdict.FAIL_BOTH})
_FAILS_JOB = frozenset({Verdict.FAIL_JOB, Verdict.FAIL_BOTH})


def clause(evidence: str) -> str:
    """`evidence` on one line, bounded, with control characters escaped and no full stop."""
    return one_line(evidence, _MAX_EVIDENCE).rstrip(".")


def closed(
    standing: JobStanding,
    state: BuildState,
    outcome: AttemptOutcome | None,
    log: StoredFile | None = None,
) -> JobSettlement:
    """The job in `state` with its attempt closed, its counters as `standing` has them."""
    return JobSettlement(
        attempt_id=standing.attempt_id,
        attempt_state=AttemptState.CLOSED,
        outcome=outcome,
        build_state=state,
        failure_count=standing.failure_count,
        builders_cost=standing.builders_cost,
        given_back=standing.given_back,
        lost_count=standing.lost_count,
        log=log,
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One failure: who was involved, and what was seen.

    `standing` is None where the builder held no job. `ending` is how the attempt is closed unless
    the verdict is that the job failed. `evidence` is a clause without a full stop. `now` is naive
    UTC. `log` is what is kept of the build, if anything was fetched.
    """

    builder: BuilderSnapshot
    standing: JobStanding | None
    ending: AttemptOutcome
    evidence: str
    now: datetime
    log: StoredFile | None = None

    def judged(self, culprit: Culprit, may_wait: bool = False) -> Settlement:
        """What follows by Launchpad's comparison; `culprit` is BOTH or BUILDER.

        `may_wait` is true where the attempt may still go on.
        """
        shared = self.standing if culprit is Culprit.BOTH else None
        job_failures = shared.failure_count + 1 if shared else 0
        cost = shared.builders_cost if shared else 0
        verdict = judge_failure(self.builder.failure_count + 1, job_failures, cost, may_wait)
        return self.settled(verdict, culprit)

    def settled(self, verdict: Verdict, culprit: Culprit) -> Settlement:
        """What follows from `verdict`; one failure is counted, for the job too if BOTH."""
        failures = self.builder.failure_count + 1
        counts = f"consecutive failures: builder {failures}"
        if self.standing is None:
            evidence = self._told(f"({counts})")
            return Settlement(
                f"{evidence}: {_ON_BUILDER[verdict]}.", self._builder(verdict, failures, evidence)
            )
        both = culprit is Culprit.BOTH
        job_failures = self.standing.failure_count + both
        evidence = self._told(f"({counts}, build {job_failures})")
        standing = replace(
            self.standing,
            failure_count=job_failures,
            builders_cost=self.standing.builders_cost + (both and verdict in _TAKES_BUILDER_OUT),
        )
        job, on_job = self._job(verdict, standing)
        return Settlement(
            f"{evidence}: {_ON_BUILDER[verdict]}, {on_job}.",
            self._builder(verdict, failures, evidence),
            job,
        )

    def unblamed(self, standing: JobStanding) -> Settlement:
        """The attempt is over and counts against nobody: the builder is cleaned, the job waits."""
        job, on_job = self._requeued(standing)
        builder = BuilderSettlement(self.builder.id, self.builder.failure_count, self._dirtied())
        return Settlement(f"{self._told()}: the builder is to be cleaned, {on_job}.", builder, job)

    def _told(self, *more: str) -> str:
        return " ".join((clause(self.evidence), *more))

    def _dirtied(self) -> CleanStatus | None:
        """DIRTY, or None for a builder that is DIRTY anyway, as it is since a claim."""
        dirty = self.builder.clean_status is CleanStatus.DIRTY
        return None if dirty else CleanStatus.DIRTY

    def _builder(self, verdict: Verdict, failures: int, evidence: str) -> BuilderSettlement:
        if verdict is Verdict.WAIT:
            return BuilderSettlement(self.builder.id, failures)
        if verdict in _TAKES_BUILDER_OUT:
            return BuilderSettlement(
                self.builder.id, failures, self._dirtied(), builderok=False, failnotes=evidence
            )
        return BuilderSettlement(self.builder.id, failures, self._dirtied())

    def _job(
        self, verdict: Verdict, standing: JobStanding
    ) -> tuple[JobSettlement | JobWarning, str]:
        """The job's part of `verdict`, and the clause that tells it."""
        if verdict is Verdict.WAIT:
            warning = JobWarning(standing.attempt_id, standing.build_id, standing.failure_count)
            return warning, _ON_JOB[verdict]
        if verdict in _FAILS_JOB:
            return self._failed(standing), _ON_JOB[verdict]
        return self._requeued(standing)

    def _failed(self, standing: JobStanding) -> JobSettlement:
        return closed(standing, BuildState.FAILEDTOBUILD, AttemptOutcome.JOB_FAILED, self.log)

    def _requeued(self, standing: JobStanding) -> tuple[JobSettlement, str]:
        if standing.lost_count >= MOST_LOST:
            return self._failed(standing), f"the build fails, lost {MOST_LOST} times before"
        lost_count = standing.lost_count + 1
        delay = lost_delay(lost_count, standing.build_id)
        job = replace(
            closed(standing, BuildState.NEEDSBUILD, self.ending, self.log),
            lost_count=lost_count,
            not_before=self.now + timedelta(seconds=delay) if delay else None,
        )
        return job, _ON_JOB[Verdict.REQUEUE]
