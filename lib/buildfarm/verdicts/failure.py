"""Who is to blame when something fails: DESIGN section 6.

Four culprits. The *manager* (its disk, its database, its archive) and the *network* (many builders
at once) cost nobody anything. Between *builder* and *job*, Launchpad's comparison decides: each
carries the number of its consecutive failures, and whichever has failed more, with different
partners, is at fault. What a verdict changes is written in `verdicts.settling`.

Layer 1, pure. Tests: tests/unit/verdicts/test_failure.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from buildfarm.vocab import errors
from buildfarm.vocab.states import Culprit

#: Equal counts: so many failures together before the job is tried elsewhere (Launchpad's
#: JOB_RESET_THRESHOLD).
FAILURES_TOGETHER = 3

#: Consecutive failures at which a builder is taken out (Launchpad's BUILDER_FAILURE_THRESHOLD).
BUILDER_FAILURES = 5

#: So many builders taken out while they ran one job, and the job fails too (DESIGN section 6).
BUILDERS_PER_JOB = 2

#: Many builders that begin to fail within this many seconds share a cause: the network.
NETWORK_WINDOW = 60.0

#: The least part of the farm, and the least number of builders, that make it the network.
NETWORK_PART = 0.20
NETWORK_BUILDERS = 3


@dataclass(frozen=True, slots=True)
class ScanFailures:
    """The scan failures of one builder since its last good scan. Times are the reactor's seconds.

    The farm is scanned much faster than Launchpad's 15 s, so a single failed scan says little:
    only a row of them that also lasts counts as one failure of the builder.
    """

    count: int = 0
    since: float = 0.0

    def again(self, now: float) -> "ScanFailures":
        """The row with one more failure, at `now`."""
        return ScanFailures(self.count + 1, self.since if self.count else now)

    def persistent(self, now: float, failures_to_count: int, failure_span: float) -> bool:
        """Whether the row counts as one failure; both arguments are `[scanning]` settings."""
        return self.count >= failures_to_count and now - self.since >= failure_span


class Verdict(Enum):
    """What follows from one persistent failure."""

    WAIT = "note it, and go on"
    REQUEUE = "queue the job again"
    DIRTY_AND_REQUEUE = "clean the builder and queue the job again"
    FAIL_BUILDER = "take the builder out and queue the job again"
    FAIL_JOB = "fail the job"
    FAIL_BOTH = "take the builder out and fail the job, which has cost too many builders"


def judge_failure(
    builder_failures: int, job_failures: int, builders_cost: int = 0, may_wait: bool = True
) -> Verdict:
    """Launchpad's comparison, on counts that include this failure.

    A failure without a job, or for which the job carries no blame, is judged with `job_failures`
    0 and so against the builder. `builders_cost` is how many builders the job has taken out
    before. `may_wait` is false where the attempt cannot go on whoever is to blame.
    """
    if builder_failures == job_failures:
        # Nothing tells them apart yet: another builder, or another job, will.
        wait = may_wait and builder_failures < FAILURES_TOGETHER
        return Verdict.WAIT if wait else Verdict.REQUEUE
    if builder_failures < job_failures:
        return Verdict.FAIL_JOB
    if builder_failures < BUILDER_FAILURES:
        return Verdict.DIRTY_AND_REQUEUE
    return builder_is_out(builders_cost)


def builder_is_out(builders_cost: int) -> Verdict:
    """The verdict that takes a builder out while it runs a job with this many to its account."""
    if builders_cost + 1 >= BUILDERS_PER_JOB:
        return Verdict.FAIL_BOTH
    return Verdict.FAIL_BUILDER


def network_suspects(failing_since: Mapping[int, float], builders: int) -> frozenset[int]:
    """The builders whose failures are the network's: no verdict is passed on them while they fail.

    `failing_since` has the time at which the present row of failures began of each builder that
    cannot be reached, by builder id (nonsense and faults are no sign of the network); `builders`
    is the number in use. Beginnings are compared, and not failures: a
    switch takes its builders away in one moment, while machines that died on different days are
    failing all the time and would otherwise excuse each other for ever.
    """
    least = max(NETWORK_BUILDERS, NETWORK_PART * builders)
    beginnings = sorted((since, builder_id) for builder_id, since in failing_since.items())
    suspects: set[int] = set()
    first = judged = 0
    for last, (since, _) in enumerate(beginnings):
        while since - beginnings[first][0] > NETWORK_WINDOW:
            first += 1
        if last - first + 1 >= least:
            begin = max(first, judged)
            judged = last + 1
            suspects.update(builder_id for _, builder_id in beginnings[begin:judged])
    return frozenset(suspects)


#: Whose fault an error is by itself. BOTH: it cannot be told from one case, so both are counted
#: and compared. An error that is not here is judged as the nearest class that it derives from.
CULPRITS: Mapping[type[errors.FarmError], Culprit] = {
    errors.Refused: Culprit.NOBODY,
    errors.BuilderError: Culprit.BOTH,
    errors.ResultsRefused: Culprit.JOB,
    errors.ResetFailed: Culprit.BUILDER,
    errors.StorageError: Culprit.MANAGER,
    errors.DiskFull: Culprit.MANAGER,
    # The archive's answer to a build that has long left its builder.
    errors.UploadError: Culprit.MANAGER,
    errors.UploadRefused: Culprit.JOB,
    errors.UploadPostponed: Culprit.MANAGER,
    # Something of our own that is not named more closely: never held against a builder.
    errors.FarmError: Culprit.MANAGER,
}


def culprit_of(error: errors.FarmError) -> Culprit:
    """Whose fault `error` is, before any comparison of counts."""
    return next(CULPRITS[kind] for kind in type(error).__mro__ if kind in CULPRITS)
