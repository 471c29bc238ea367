"""What follows from how a builder says that a build ended: DESIGN section 6's second table.

Layer 1, pure. `verdicts.settling` turns a consequence into what the database writes.
Tests: tests/unit/verdicts/test_outcomes.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    Culprit,
)

#: How often a build is queued again after GIVENBACK before it fails (DESIGN section 6).
MOST_GIVEN_BACK = 5

#: How often a build is queued again because builders lost or failed it. DESIGN sets no bound;
#: without one, a build that reboots its builder would run for ever (docs/decisions/111).
MOST_LOST = 10

#: Seconds before a build that was given back is dispatched again, the first time: what it lacked
#: (an archive that was being updated) takes minutes to come back.
GIVEN_BACK_DELAY = 60.0

#: The same for a build that was lost a second time. The first time it waits for nothing: another
#: builder can take it at once.
LOST_DELAY = 5.0

#: No delay is longer, in seconds.
LONGEST_DELAY = 3600.0

#: The fractions of its multiples are spread evenly.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of a build and its attempt, and who is held to account.

    For BOTH and BUILDER the counts decide further (`verdicts.failure.judge_failure`).
    """

    build_state: BuildState
    attempt_outcome: AttemptOutcome | None
    culprit: Culprit = Culprit.NOBODY

    @property
    def attempt_state(self) -> AttemptState:
        """GATHERED for results that wait for their upload, otherwise CLOSED."""
        waits = self.build_state is BuildState.UPLOADING
        return AttemptState.GATHERED if waits else AttemptState.CLOSED

    def as_asked(self, cancelling: bool, superseded: bool) -> "Consequence":
        """What follows for a build that somebody cancelled, or that a newer version has replaced.

        Results that are on our disk when the cancel is met are kept (DESIGN section 6); everything
        else that is cancelled is CANCELLED, and the job is not blamed for how it ended. A
        superseded build is SUPERSEDED however it ended: the older version must not follow the
        newer. Where it is both, CANCELLED is what a person asked for.
        """
        if cancelling and (superseded or self.build_state is not BuildState.UPLOADING):
            builders = self.culprit is Culprit.BUILDER
            culprit = Culprit.BUILDER if builders else Culprit.NOBODY
            return Consequence(BuildState.CANCELLED, AttemptOutcome.CANCELLED, culprit)
        if superseded and not cancelling:
            return Consequence(BuildState.SUPERSEDED, AttemptOutcome.SUPERSEDED, self.culprit)
        return self


OUTCOMES: Mapping[BuildOutcome, Consequence] = {
    BuildOutcome.OK: Consequence(BuildState.UPLOADING, None),
    BuildOutcome.PACKAGEFAIL: Consequence(BuildState.FAILEDTOBUILD, AttemptOutcome.PACKAGE_FAILED),
    BuildOutcome.DEPFAIL: Consequence(BuildState.MANUALDEPWAIT, AttemptOutcome.DEPENDENCY_MISSING),
    BuildOutcome.CHROOTFAIL: Consequence(BuildState.CHROOTWAIT, AttemptOutcome.CHROOT_BROKEN),
    BuildOutcome.GIVENBACK: Consequence(BuildState.NEEDSBUILD, AttemptOutcome.GIVEN_BACK),
    BuildOutcome.BUILDERFAIL: Consequence(
        BuildState.NEEDSBUILD, AttemptOutcome.BUILDER_FAILED, Culprit.BUILDER
    ),
    # Where it was asked for, it is CANCELLED and nobody's fault: see Consequence.as_asked.
    BuildOutcome.ABORTED: Consequence(BuildState.NEEDSBUILD, AttemptOutcome.ABORTED, Culprit.BOTH),
}

#: The outcomes of a builder that took a build to its end: its earlier failures are forgotten.
#: CHROOTFAIL and GIVENBACK are not, since a sick builder may be their cause.
VINDICATING = frozenset({BuildOutcome.OK, BuildOutcome.PACKAGEFAIL, BuildOutcome.DEPFAIL})

#: A build that is OK has nothing to publish without a .changes.
_NOTHING_TO_PUBLISH = Consequence(BuildState.FAILEDTOUPLOAD, AttemptOutcome.UPLOAD_REFUSED)


def outcome_of(
    outcome: BuildOutcome,
    has_changes: bool,
    given_back: int = 0,
    cancelling: bool = False,
    superseded: bool = False,
) -> Consequence:
    """What follows from `outcome`.

    `has_changes`: a `.changes` is among the results on our disk. `given_back` counts the earlier
    GIVENBACK answers. `cancelling` and `superseded` are `JobStanding`'s.
    """
    consequence = OUTCOMES[outcome]
    if outcome is BuildOutcome.OK and not has_changes:
        consequence = _NOTHING_TO_PUBLISH
    elif outcome is BuildOutcome.GIVENBACK and given_back >= MOST_GIVEN_BACK:
        consequence = replace(consequence, build_state=BuildState.FAILEDTOBUILD)
    return consequence.as_asked(cancelling, superseded)


def given_back_delay(given_back: int, build_id: int) -> float:
    """Seconds before the next dispatch of a build that was given back so often, from 1."""
    return _growing(GIVEN_BACK_DELAY, given_back - 1, build_id)


def lost_delay(lost_count: int, build_id: int) -> float:
    """Seconds before the next dispatch of a build that was lost so often, from 1."""
    return _growing(LOST_DELAY, lost_count - 2, build_id) if lost_count > 1 else 0.0


def _growing(first: float, doublings: int, build_id: int) -> float:
    """`first` seconds, doubled so often, up to `LONGEST_DELAY`, and up to a quarter more.

    That quarter is spread by build id, so that the builds that one outage sent back do not come
    again together.
    """
    delay = min(first * 2.0 ** min(doublings, 32), LONGEST_DELAY)
    return delay * (1.0 + 0.25 * (build_id * _GOLDEN % 1.0))
