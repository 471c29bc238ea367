"""Ordinary builders, builds, attempts and events; a test names only what matters to it.

Beside the layers. Tests: those of `verdicts` and `explaining`, which are made of these.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.vocab.build import (
    AttemptSnapshot,
    BuildSnapshot,
    EventSnapshot,
    JobStanding,
    QueueEntry,
    Requirement,
    StoredFile,
)
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus, QueueState

BUILDER = BuilderSnapshot(
    id=1,
    name="bob",
    title="Bob",
    url="http://bob.example:8221/",
    processors=("amd64", "i386"),
    virtualized=False,
    vm_host=None,
    vm_reset_protocol=None,
    open_resources=(),
    restricted_resources=(),
    builderok=True,
    failnotes=None,
    manual=False,
    active=True,
    failure_count=0,
    version=None,
    clean_status=CleanStatus.CLEAN,
    date_clean_status_changed=BEGINNING,
)

REQUIREMENT = Requirement(id=1, processor="amd64", virtualized=False)

BUILD = BuildSnapshot(
    id=7,
    archive="main",
    distribution="debian",
    series="bookworm",
    suite="bookworm",
    pocket="release",
    component="main",
    source="hello",
    version="2.10-3",
    architecture="amd64",
    arch_indep=True,
    virtualized=False,
    state=BuildState.NEEDSBUILD,
    requester="anna",
    created=BEGINNING,
    started=None,
    finished=None,
    attempt_count=0,
    failure_count=0,
    builders_cost=0,
    given_back=0,
    lost_count=0,
    reason=None,
    dependencies=None,
    log_digest=None,
)

ENTRY = QueueEntry(
    build_id=7,
    requirement=REQUIREMENT,
    state=QueueState.WAITING,
    score=10,
    estimated_duration=300.0,
    not_before=None,
    logtail=None,
)

ATTEMPT = AttemptSnapshot(
    id=70,
    build_id=7,
    number=1,
    builder_id=1,
    builder_name="bob",
    cookie="PACKAGEBUILD-7-1-0a1b2c3d",
    state=AttemptState.CONFIRMED,
    epoch=1,
    spool="PACKAGEBUILD-7-1-0a1b2c3d",
    outcome=None,
    reason=None,
    claimed=BEGINNING,
    sent=BEGINNING,
    confirmed=BEGINNING,
    gathered=None,
    closed=None,
    prepared=False,
    tries=0,
    next_try=None,
    last_error=None,
)


def a_builder(**changes: Any) -> BuilderSnapshot:
    """Bob: real, clean, idle, for amd64 and i386."""
    return replace(BUILDER, **changes)


def a_requirement(**changes: Any) -> Requirement:
    """What bob can take."""
    return replace(REQUIREMENT, **changes)


def a_build(**changes: Any) -> BuildSnapshot:
    """Build 7: hello 2.10-3 for amd64, waiting, never tried."""
    return replace(BUILD, **changes)


def an_entry(**changes: Any) -> QueueEntry:
    """The queue entry of build 7."""
    return replace(ENTRY, **changes)


def an_attempt(**changes: Any) -> AttemptSnapshot:
    """The first attempt of build 7, on bob, confirmed."""
    return replace(ATTEMPT, **changes)


def a_standing(**changes: Any) -> JobStanding:
    """What counts for that attempt: nothing has ever gone wrong."""
    return replace(JobStanding(attempt_id=70, build_id=7), **changes)


def a_file(name: str, size: int = 1000) -> StoredFile:
    """A stored file of this name; its digests are made up."""
    return StoredFile(name, size, "1" * 40, "2" * 64)


def an_event(number: int, reason: str, **changes: Any) -> EventSnapshot:
    """The event of this number, so many seconds after the beginning."""
    event = EventSnapshot(
        id=number,
        time=after(number),
        actor="manager",
        builder=None,
        build_id=7,
        attempt=None,
        before=None,
        after=None,
        reason=reason,
    )
    return replace(event, **changes)


def after(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return BEGINNING + timedelta(seconds=seconds)
