"""Launchpad's words for the farm's states: what its API has always said, and clients compare.

Layer 5. Tests: tests/unit/webservice/test_words.py.
"""

from datetime import timedelta

from buildfarm.vocab.states import BuildState, CleanStatus

BUILD_STATES: dict[BuildState, str] = {
    BuildState.NEEDSBUILD: "Needs building",
    BuildState.BUILDING: "Currently building",
    BuildState.GATHERING: "Gathering build output",
    BuildState.UPLOADING: "Uploading build",
    BuildState.FULLYBUILT: "Successfully built",
    BuildState.FAILEDTOBUILD: "Failed to build",
    BuildState.MANUALDEPWAIT: "Dependency wait",
    BuildState.CHROOTWAIT: "Chroot problem",
    BuildState.FAILEDTOUPLOAD: "Failed to upload",
    BuildState.CANCELLING: "Cancelling build",
    BuildState.CANCELLED: "Cancelled build",
    BuildState.SUPERSEDED: "Build for superseded Source",
}

CLEAN_STATUSES: dict[CleanStatus, str] = {
    CleanStatus.CLEAN: "Clean",
    CleanStatus.DIRTY: "Dirty",
    CleanStatus.CLEANING: "Cleaning",
}

#: The names of `vocab.archive.split_suite`, as titles.
POCKETS = {
    "release": "Release",
    "security": "Security",
    "updates": "Updates",
    "proposed": "Proposed",
    "backports": "Backports",
}

STATE_OF: dict[str, BuildState] = {word: state for state, word in BUILD_STATES.items()}
STATUS_OF: dict[str, CleanStatus] = {word: status for status, word in CLEAN_STATUSES.items()}
POCKET_OF: dict[str, str] = {word: pocket for pocket, word in POCKETS.items()}


def lasting(seconds: float | None) -> str | None:
    """A duration as Launchpad writes it, such as `0:01:23.500000`."""
    return None if seconds is None else str(timedelta(seconds=seconds))
