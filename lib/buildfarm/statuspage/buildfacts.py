"""All that a build's page shows, read in one transaction.

Layer 5. Tests: tests/functional/statuspage/test_builds.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from buildfarm.explaining.facts import facts_of, told_to
from buildfarm.explaining.history import moments
from buildfarm.explaining.why import Why, explain
from buildfarm.storage.listings import ListedBuild, listed_build
from buildfarm.verdicts.permissions import told_of_own_trouble
from buildfarm.vocab.build import AttemptSnapshot, StoredFile
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """One build at the moment `time`.

    `told` is its story, `queued` when it came into the queue. `results` are the files of the
    last attempt that brought any, which is `gathered`.
    """

    listed: ListedBuild
    time: datetime
    why: Why
    attempts: tuple[AttemptSnapshot, ...]
    told: tuple[tuple[datetime, str], ...]
    queued: tuple[datetime, ...]
    gathered: AttemptSnapshot | None = None

    @property
    def results(self) -> tuple[StoredFile, ...]:
        """What can be downloaded, perhaps by some only."""
        return () if self.gathered is None else self.gathered.files

    @property
    def is_published(self) -> bool:
        """Whether the archive has the results: else nobody has checked them, or they failed."""
        gathered = self.gathered
        return gathered is not None and gathered.outcome is AttemptOutcome.PUBLISHED


def build_facts(
    store: Any,
    build_id: int,
    now: datetime,
    *,
    pauses: Sequence[str],
    troubles: Mapping[int, str],
    seen: frozenset[str] | None,
) -> BuildFacts | None:
    """A query: the facts of one build as people may know them who see the private archives `seen`.

    To who does not see all of them, what is wrong with our own disks and archives is not told. None
    where there is no such build, whoever may see it.
    """
    listed = listed_build(store, build_id)
    if listed is None:
        return None
    facts = told_to(seen, facts_of(store, build_id))
    return BuildFacts(
        listed,
        now,
        explain(facts, told_of_own_trouble(seen, pauses), now, troubles, seen),
        facts.attempts,
        moments(facts.attempts, facts.events),
        tuple(one.time for one in facts.events if one.after == BuildState.NEEDSBUILD.value),
        gathered_attempt(facts.attempts),
    )


def gathered_attempt(attempts: Sequence[AttemptSnapshot]) -> AttemptSnapshot | None:
    """The last attempt whose results we have, or have published."""
    for attempt in reversed(attempts):
        kept = attempt.state is AttemptState.GATHERED or attempt.outcome in {
            AttemptOutcome.PUBLISHED,
            AttemptOutcome.UPLOAD_REFUSED,
        }
        if kept and attempt.files:
            return attempt
    return None
