"""Which state may follow which, and what a person may ask of a build in which state.

The source is DESIGN section 6. Storage guards every UPDATE with these tables, so a transition that
is not here cannot be written. A surprising row has its reason beside it; a test asserts that every
state has a row.

Layer 1, pure. Tests: tests/unit/verdicts/test_transitions.py.
"""

from collections.abc import Mapping

from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus

#: How a build can end on its builder, whatever it was found doing there.
_ENDS_ON_BUILDER = frozenset(
    {
        BuildState.UPLOADING,
        BuildState.FAILEDTOBUILD,
        BuildState.MANUALDEPWAIT,
        BuildState.CHROOTWAIT,
        BuildState.FAILEDTOUPLOAD,  # OK, but without a .changes
        BuildState.SUPERSEDED,  # a newer version was submitted while this one ran
        BuildState.NEEDSBUILD,  # lost, given back, or not the job's fault
    }
)

BUILD_TRANSITIONS: Mapping[BuildState, frozenset[BuildState]] = {
    BuildState.NEEDSBUILD: frozenset(
        {BuildState.BUILDING, BuildState.CANCELLED, BuildState.SUPERSEDED}
    ),
    # GATHERING is a progress note, written in batches: a quick gather ends before it is written,
    # so everything that may follow GATHERING may follow BUILDING too.
    BuildState.BUILDING: _ENDS_ON_BUILDER | {BuildState.GATHERING, BuildState.CANCELLING},
    # No CANCELLING: the builder has nothing left to abort, and its results are about to be kept.
    BuildState.GATHERING: _ENDS_ON_BUILDER,
    # No SUPERSEDED: the archive may already hold a part of it.
    BuildState.UPLOADING: frozenset({BuildState.FULLYBUILT, BuildState.FAILEDTOUPLOAD}),
    # For ever: the same version is never published twice.
    BuildState.FULLYBUILT: frozenset(),
    BuildState.FAILEDTOBUILD: frozenset({BuildState.NEEDSBUILD}),
    BuildState.MANUALDEPWAIT: frozenset({BuildState.NEEDSBUILD}),
    BuildState.CHROOTWAIT: frozenset({BuildState.NEEDSBUILD}),
    # A retry uploads the kept results again; only `--rebuild` builds again.
    BuildState.FAILEDTOUPLOAD: frozenset({BuildState.UPLOADING, BuildState.NEEDSBUILD}),
    # UPLOADING: the cancel came while the results were being fetched, and they were all there.
    # No NEEDSBUILD: whatever goes wrong now, nobody wants this build any more.
    BuildState.CANCELLING: frozenset({BuildState.CANCELLED, BuildState.UPLOADING}),
    BuildState.CANCELLED: frozenset({BuildState.NEEDSBUILD}),
    # A person may insist on the older version.
    BuildState.SUPERSEDED: frozenset({BuildState.NEEDSBUILD}),
}

ATTEMPT_TRANSITIONS: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.CLAIMED: frozenset({AttemptState.SENT, AttemptState.CLOSED}),
    # GATHERED: CONFIRMED is a progress note, and an adopted attempt may already have ended.
    AttemptState.SENT: frozenset(
        {AttemptState.CONFIRMED, AttemptState.GATHERED, AttemptState.CLOSED}
    ),
    AttemptState.CONFIRMED: frozenset({AttemptState.GATHERED, AttemptState.CLOSED}),
    AttemptState.GATHERED: frozenset({AttemptState.CLOSED}),
    # A retry from FAILEDTOUPLOAD opens the same attempt again: its results are still those.
    AttemptState.CLOSED: frozenset({AttemptState.GATHERED}),
}

CLEAN_TRANSITIONS: Mapping[CleanStatus, frozenset[CleanStatus]] = {
    # Never straight to CLEANING: a builder is distrusted first, in the act that says why.
    CleanStatus.CLEAN: frozenset({CleanStatus.DIRTY}),
    CleanStatus.DIRTY: frozenset({CleanStatus.CLEANING, CleanStatus.CLEAN}),
    # DIRTY: the reset failed or did not end in time, or it was left over by a stopped manager.
    CleanStatus.CLEANING: frozenset({CleanStatus.CLEAN, CleanStatus.DIRTY}),
}


def may_follow(before: BuildState, after: BuildState) -> bool:
    """Whether a build may go from `before` to `after`. Staying as it is is not a transition."""
    return after in BUILD_TRANSITIONS[before]


def attempt_may_follow(before: AttemptState, after: AttemptState) -> bool:
    """Whether an attempt may go from `before` to `after`."""
    return after in ATTEMPT_TRANSITIONS[before]


def clean_may_follow(before: CleanStatus, after: CleanStatus) -> bool:
    """Whether a builder's clean status may go from `before` to `after`."""
    return after in CLEAN_TRANSITIONS[before]


# What a person may ask. None permits; a clause completes "build 7 cannot be retried: …".

_WAITS = "it is still waiting"
_RUNS = "it is being built now"
_GATHERS = "its results are being fetched from the builder"
_UPLOADS = "its results are being uploaded"
_BEING_CANCELLED = "it is already being cancelled"
_HAS_ENDED = "it has already ended"

_RETRY_REFUSALS: Mapping[BuildState, str | None] = {
    BuildState.NEEDSBUILD: _WAITS,
    BuildState.BUILDING: f"{_RUNS}; cancel it first",
    BuildState.GATHERING: _GATHERS,
    BuildState.UPLOADING: _UPLOADS,
    BuildState.FULLYBUILT: "it is published; submit a newer version instead",
    BuildState.FAILEDTOBUILD: None,
    BuildState.MANUALDEPWAIT: None,
    BuildState.CHROOTWAIT: None,
    BuildState.FAILEDTOUPLOAD: None,
    BuildState.CANCELLING: "it is still being cancelled; retry it once it is CANCELLED",
    BuildState.CANCELLED: None,
    BuildState.SUPERSEDED: None,
}

_CANCEL_REFUSALS: Mapping[BuildState, str | None] = {
    BuildState.NEEDSBUILD: None,
    BuildState.BUILDING: None,
    BuildState.GATHERING: f"it has ended and {_GATHERS}",
    BuildState.UPLOADING: f"it has ended and {_UPLOADS}",
    BuildState.FULLYBUILT: "it is published",
    BuildState.FAILEDTOBUILD: _HAS_ENDED,
    BuildState.MANUALDEPWAIT: _HAS_ENDED,
    BuildState.CHROOTWAIT: _HAS_ENDED,
    BuildState.FAILEDTOUPLOAD: _HAS_ENDED,
    BuildState.CANCELLING: _BEING_CANCELLED,
    BuildState.CANCELLED: "it is already cancelled",
    BuildState.SUPERSEDED: _HAS_ENDED,
}

_RESCORE_REFUSALS: Mapping[BuildState, str | None] = {
    BuildState.NEEDSBUILD: None,
    BuildState.BUILDING: f"{_RUNS}, so its score decides nothing",
    BuildState.GATHERING: _GATHERS,
    BuildState.UPLOADING: _UPLOADS,
    BuildState.FULLYBUILT: _HAS_ENDED,
    BuildState.FAILEDTOBUILD: f"{_HAS_ENDED}; retry it first",
    BuildState.MANUALDEPWAIT: f"{_HAS_ENDED}; retry it first",
    BuildState.CHROOTWAIT: f"{_HAS_ENDED}; retry it first",
    BuildState.FAILEDTOUPLOAD: f"{_HAS_ENDED}; retry it first",
    BuildState.CANCELLING: _BEING_CANCELLED,
    BuildState.CANCELLED: f"{_HAS_ENDED}; retry it first",
    BuildState.SUPERSEDED: f"{_HAS_ENDED}; retry it first",
}


def retry_refusal(state: BuildState) -> str | None:
    """Why a build in `state` cannot be retried, as a clause; None where it can."""
    return _RETRY_REFUSALS[state]


def cancel_refusal(state: BuildState) -> str | None:
    """Why a build in `state` cannot be cancelled, as a clause; None where it can."""
    return _CANCEL_REFUSALS[state]


def rescore_refusal(state: BuildState) -> str | None:
    """Why the score of a build in `state` cannot be changed, as a clause; None where it can."""
    return _RESCORE_REFUSALS[state]


def retried(state: BuildState, rebuild: bool) -> BuildState:
    """Where a retry takes a build whose `retry_refusal` is None.

    `rebuild` builds again where the results of the last attempt could be uploaded again.
    """
    if state is BuildState.FAILEDTOUPLOAD and not rebuild:
        return BuildState.UPLOADING
    return BuildState.NEEDSBUILD


def cancelled(state: BuildState) -> BuildState:
    """Where a cancel takes a build whose `cancel_refusal` is None: at once, or by an abort."""
    return BuildState.CANCELLED if state is BuildState.NEEDSBUILD else BuildState.CANCELLING
