"""What builds and attempts are at, in words for people.

Tests: tests/unit/vocab/test_statewords.py.
"""

from collections.abc import Mapping

from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState
from buildfarm.vocab.text import one_line

#: What a state of a build is.
STATES: Mapping[BuildState, str] = {
    BuildState.NEEDSBUILD: "waiting",
    BuildState.BUILDING: "building",
    BuildState.GATHERING: "fetching results",
    BuildState.UPLOADING: "publishing",
    BuildState.FULLYBUILT: "built",
    BuildState.FAILEDTOBUILD: "failed to build",
    BuildState.MANUALDEPWAIT: "dependency wait",
    BuildState.CHROOTWAIT: "chroot problem",
    BuildState.FAILEDTOUPLOAD: "failed to upload",
    BuildState.CANCELLING: "being cancelled",
    BuildState.CANCELLED: "cancelled",
    BuildState.SUPERSEDED: "superseded",
}

#: How a build has ended, as the beginning of a sentence that goes on with the reason.
ENDED: Mapping[BuildState, str] = {
    BuildState.FULLYBUILT: "It was built",
    BuildState.FAILEDTOBUILD: "It failed to build",
    BuildState.MANUALDEPWAIT: "It waits for dependencies",
    BuildState.CHROOTWAIT: "It waits for a chroot that works",
    BuildState.FAILEDTOUPLOAD: "It was built, but its results were not published",
    BuildState.CANCELLED: "It was cancelled",
    BuildState.SUPERSEDED: "A newer version has taken its place",
}

#: What became of an attempt.
OUTCOMES: Mapping[AttemptOutcome, str] = {
    AttemptOutcome.PUBLISHED: "built and published",
    AttemptOutcome.UPLOAD_REFUSED: "built, but its results were refused",
    AttemptOutcome.PACKAGE_FAILED: "failed to build",
    AttemptOutcome.DEPENDENCY_MISSING: "a dependency is missing",
    AttemptOutcome.CHROOT_BROKEN: "the chroot is broken",
    AttemptOutcome.GIVEN_BACK: "given back by the builder",
    AttemptOutcome.BUILDER_FAILED: "the builder failed",
    AttemptOutcome.ABORTED: "aborted",
    AttemptOutcome.CANCELLED: "cancelled",
    AttemptOutcome.LOST: "lost by the builder",
    AttemptOutcome.NEVER_SENT: "never sent",
    AttemptOutcome.UNCONFIRMED: "never confirmed by the builder",
    AttemptOutcome.JOB_FAILED: "failed too often",
    AttemptOutcome.SUPERSEDED: "a newer version came",
}

#: What an attempt that has not ended is at.
UNDER_WAY: Mapping[AttemptState, str] = {
    AttemptState.CLAIMED: "its builder gets what it needs",
    AttemptState.SENT: "sent to its builder",
    AttemptState.CONFIRMED: "is being built",
    AttemptState.GATHERED: "built; its results are being published",
    AttemptState.CLOSED: "has ended",
}


def attempt_words(state: AttemptState, outcome: AttemptOutcome | None, reason: str | None) -> str:
    """What an attempt is at, or what became of it and why, on one line.

    `reason` may be a stranger's: it is escaped. That the results were published needs none.
    """
    if outcome is None:
        return UNDER_WAY[state]
    if reason is None or outcome is AttemptOutcome.PUBLISHED:
        return OUTCOMES[outcome]
    return f"{OUTCOMES[outcome]}: {one_line(reason)}"
