"""What the database is to write when an attempt ends, or when a builder fails.

Each `settle_…` function turns one event into a complete `Settlement`: the builder, the job, and
the sentence that names the evidence. Scanners call them; `storage.attempts.settle` applies what
they return in one act, after `as_asked` once more with what the database says of cancels and newer
versions at that moment. `evidence` is a clause without a full stop, such as "bob has not answered
`status` for 80 s"; control characters in it are escaped here. `now` is naive UTC.

A fault of the manager's own or of the network settles nothing: no function is called.

Layer 1, pure. Tests: tests/unit/verdicts/test_settling.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from buildfarm.verdicts.cases import Case, clause, closed
from buildfarm.verdicts.failure import BUILDER_FAILURES, Verdict, builder_is_out
from buildfarm.verdicts.outcomes import (
    MOST_GIVEN_BACK,
    VINDICATING,
    Consequence,
    given_back_delay,
    outcome_of,
)
from buildfarm.vocab.build import JobStanding, StoredFile
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settlement import BuilderSettlement, JobSettlement, Settlement
from buildfarm.vocab.states import AttemptOutcome, BuildOutcome, BuildState, Culprit
from buildfarm.vocab.text import one_line


def settle_unconfirmed(
    builder: BuilderSnapshot, standing: JobStanding, evidence: str, now: datetime
) -> Settlement:
    """`build` was sent and not confirmed: whatever the builder says of it now is not believed.

    Both are counted, since arguments that a daemon cannot take look the same from here.
    """
    case = Case(builder, standing, AttemptOutcome.UNCONFIRMED, evidence, now)
    return _asked(standing, case.judged(Culprit.BOTH))


def settle_lost(
    builder: BuilderSnapshot,
    standing: JobStanding,
    evidence: str,
    now: datetime,
    *,
    confirmed: bool = False,
) -> Settlement:
    """The builder is idle, or has another job, while it should run this one.

    `confirmed`: it had confirmed the build itself. The first loss of such a build counts against
    the builder; a build that is lost again is no longer evidence against anyone (decision 140).
    """
    case = Case(builder, standing, AttemptOutcome.LOST, evidence, now)
    if confirmed and not standing.lost_count and not standing.cancelling:
        return _asked(standing, case.judged(Culprit.BUILDER))
    return _asked(standing, case.unblamed(standing))


def settle_failure(
    builder: BuilderSnapshot,
    standing: JobStanding | None,
    evidence: str,
    now: datetime,
    *,
    sent: bool = True,
) -> Settlement:
    """A persistent failure to scan, reset, dispatch or gather, with or without a job.

    `sent` is false for a job whose `build` has not been on the wire.
    """
    ending = AttemptOutcome.LOST if sent else AttemptOutcome.NEVER_SENT
    case = Case(builder, standing, ending, evidence, now)
    return _asked(standing, case.judged(Culprit.BOTH, may_wait=True))


def settle_overdue(
    builder: BuilderSnapshot, standing: JobStanding | None, evidence: str, now: datetime
) -> Settlement:
    """BUILDING or ABORTING has outlived its deadline.

    A virtual builder is reset, so the counts decide; another cannot be brought back by us and is
    taken out.
    """
    case = Case(builder, standing, AttemptOutcome.LOST, evidence, now)
    if builder.virtualized:
        return _asked(standing, case.judged(Culprit.BOTH))
    verdict = builder_is_out(standing.builders_cost if standing else 0)
    return _asked(standing, case.settled(verdict, Culprit.BOTH))


def settle_breach(
    builder: BuilderSnapshot, standing: JobStanding | None, evidence: str, now: datetime
) -> Settlement:
    """A builder that should be clean runs something: it is not ours to trust.

    The reset of a virtual builder ends that; another is taken out at once. A build that was
    claimed for it was never sent and is not to blame.
    """
    case = Case(builder, standing, AttemptOutcome.NEVER_SENT, evidence, now)
    if builder.virtualized:
        return _asked(standing, case.judged(Culprit.BUILDER))
    return _asked(standing, case.settled(Verdict.FAIL_BUILDER, Culprit.BUILDER))


def settle_cancelled(
    builder: BuilderSnapshot,
    standing: JobStanding,
    evidence: str,
    log: StoredFile | None = None,
) -> Settlement:
    """The cancelled build no longer runs, or was never sent; nobody is blamed."""
    job = closed(standing, BuildState.CANCELLED, AttemptOutcome.CANCELLED, log)
    kept = BuilderSettlement(builder.id, builder.failure_count)
    return Settlement(f"{clause(evidence)}: the build is cancelled.", kept, job)


def settle_results_refused(
    builder: BuilderSnapshot,
    standing: JobStanding,
    evidence: str,
    log: StoredFile | None = None,
) -> Settlement:
    """The results break a limit: the job's fault, whichever builder ran it (DESIGN section 6)."""
    job = closed(standing, BuildState.FAILEDTOBUILD, AttemptOutcome.JOB_FAILED, log)
    kept = BuilderSettlement(builder.id, builder.failure_count)
    return _asked(standing, Settlement(f"{clause(evidence)}: the build fails.", kept, job))


def settle_outcome(
    builder: BuilderSnapshot,
    standing: JobStanding,
    outcome: BuildOutcome,
    now: datetime,
    *,
    log: StoredFile | None = None,
    files: tuple[StoredFile, ...] = (),
    dependencies: str | None = None,
) -> Settlement:
    """The builder says how the build ended; `log` and `files` are on our disk by now.

    `dependencies` is the daemon's text, kept for a build that waits for them.
    """
    has_changes = any(file.name.endswith(".changes") for file in files)
    barren = outcome is BuildOutcome.OK and not has_changes and not standing.cancelling
    consequence = outcome_of(outcome, has_changes, standing.given_back)
    blamed = consequence.as_asked(standing.cancelling, standing.superseded).culprit
    evidence = f"{builder.name} ended the build with {outcome.name}"
    if blamed is not Culprit.NOBODY and consequence.attempt_outcome is not None:
        case = Case(builder, standing, consequence.attempt_outcome, evidence, now, log)
        return _asked(standing, case.judged(blamed))
    job = replace(
        closed(standing, consequence.build_state, consequence.attempt_outcome, log),
        attempt_state=consequence.attempt_state,
    )
    if job.build_state is BuildState.NEEDSBUILD and outcome is BuildOutcome.GIVENBACK:
        job, words = _given_back(job, standing.build_id, now)
    else:
        job, words = _completed(outcome, job, files, dependencies)
    if barren:
        return _asked(standing, _barren(builder, job, f"{evidence}: {words}"))
    failures = 0 if outcome in VINDICATING else builder.failure_count
    reason = f"{evidence}: {words}."
    return _asked(standing, Settlement(reason, BuilderSettlement(builder.id, failures), job))


def _barren(builder: BuilderSnapshot, job: JobSettlement, evidence: str) -> Settlement:
    """OK with nothing to publish: no genuine daemon says that, so the builder is counted too.

    The build ends as DESIGN section 6 has it; a builder that does this to build after build is
    out at the threshold of all consecutive failures (decision 140).
    """
    failures = builder.failure_count + 1
    counted = f"{evidence} (consecutive failures: builder {failures})"
    if failures < BUILDER_FAILURES:
        return Settlement(f"{counted}.", BuilderSettlement(builder.id, failures), job)
    out = BuilderSettlement(builder.id, failures, builderok=False, failnotes=counted)
    return Settlement(f"{counted}: the builder is disabled.", out, job)


_WORDS: Mapping[BuildOutcome, str] = {
    BuildOutcome.OK: "there is no .changes among the results, so nothing can be published",
    BuildOutcome.PACKAGEFAIL: "the package does not build",
    BuildOutcome.DEPFAIL: "the build waits for",
    BuildOutcome.CHROOTFAIL: "the chroot cannot be used",
    BuildOutcome.GIVENBACK: f"the build fails, given back {MOST_GIVEN_BACK} times before",
    BuildOutcome.BUILDERFAIL: "the builder is not able to build",
    BuildOutcome.ABORTED: "its abort has ended",
}


def _completed(
    outcome: BuildOutcome,
    job: JobSettlement,
    files: tuple[StoredFile, ...],
    dependencies: str | None,
) -> tuple[JobSettlement, str]:
    """What else an outcome that ends the build changes in `job`, and the clause that tells it."""
    words = _WORDS[outcome]
    if job.build_state is BuildState.UPLOADING:
        return replace(job, failure_count=0, files=files), f"{len(files)} files to upload"
    if job.build_state is BuildState.MANUALDEPWAIT:
        missing = one_line(dependencies or "a dependency that the builder does not name")
        return replace(job, dependencies=dependencies), f"{words} {missing}"
    return job, words


def _given_back(job: JobSettlement, build_id: int, now: datetime) -> tuple[JobSettlement, str]:
    """`job` queued again after one more GIVENBACK, and the clause that tells it."""
    times = job.given_back + 1
    delay = given_back_delay(times, build_id)
    waits = replace(job, given_back=times, not_before=now + timedelta(seconds=delay))
    words = f"the build is queued again in {delay:.0f} s, given back {times} times"
    return waits, f"{words} of at most {MOST_GIVEN_BACK}"


_AS_ASKED: Mapping[BuildState, str] = {
    BuildState.CANCELLED: "It was cancelled meanwhile, so it is not built again.",
    BuildState.SUPERSEDED: "A newer version was submitted meanwhile, so it is superseded.",
}


def as_asked(settlement: Settlement, cancelling: bool, superseded: bool) -> Settlement:
    """`settlement` for a job that was cancelled or replaced by a newer version meanwhile.

    The rule is `Consequence.as_asked`; the builder's part stays. Applying it twice changes nothing
    more. `superseded`: a newer version was submitted to the same archive and suite after the
    attempt was claimed (a retry of an older version is not superseded by what was there before).
    """
    job = settlement.job
    if not isinstance(job, JobSettlement):
        return settlement
    consequence = Consequence(job.build_state, job.outcome).as_asked(cancelling, superseded)
    if consequence.build_state is job.build_state:
        return settlement
    ended = replace(
        job,
        attempt_state=consequence.attempt_state,
        outcome=consequence.attempt_outcome,
        build_state=consequence.build_state,
        not_before=None,
        files=(),
        dependencies=None,
    )
    reason = f"{settlement.reason} {_AS_ASKED[consequence.build_state]}"
    return replace(settlement, reason=reason, job=ended)


def _asked(standing: JobStanding | None, settlement: Settlement) -> Settlement:
    if standing is None:
        return settlement
    return as_asked(settlement, standing.cancelling, standing.superseded)
