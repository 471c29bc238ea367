"""When the builds on a page of the queue will probably start. Pure.

A guess from what is before each of them for the same processor and kind of builder, shared by the
builders that take builds by themselves; `build why` looks closer.

Layer 5. Tests: tests/unit/statuspage/test_forecast.py.
"""

from collections.abc import Sequence
from datetime import datetime

from buildfarm.storage.queuepages import QueuePage
from buildfarm.verdicts.estimates import remaining
from buildfarm.vocab.build import Requirement
from buildfarm.vocab.glance import GlancedBuilder


def starts(page: QueuePage) -> list[float | None]:
    """Seconds until each line of `page` starts; None where no builder takes such builds."""
    kinds = {one.id: _kind(one) for one in page.requirements}
    ahead = dict.fromkeys(kinds.values(), 0.0)
    for requirement_id, seconds in page.before.items():
        ahead[kinds[requirement_id]] += seconds
    # A team is looked at once: it may be thousands, and a page has a hundred lines.
    teams = {kind: _team(page.builders, *kind) for kind in ahead}
    first = {
        kind: min((_free_in(one, page.time) for one in team), default=0.0)
        for kind, team in teams.items()
    }
    found: list[float | None] = []
    for line in page.lines:
        kind = _kind(line.requirement)
        team = teams[kind]
        found.append(first[kind] + ahead[kind] / len(team) if team else None)
        ahead[kind] += line.estimated_duration
    return found


def _kind(requirement: Requirement) -> tuple[str, bool]:
    return requirement.processor, requirement.virtualized


def _team(
    builders: Sequence[GlancedBuilder], processor: str, virtualized: bool
) -> list[GlancedBuilder]:
    return [
        one
        for one in builders
        if one.takes_work and one.virtualized is virtualized and processor in one.processors
    ]


def _free_in(builder: GlancedBuilder, now: datetime) -> float:
    """Seconds until it can take a build; its cleaning is short beside one."""
    job = builder.job
    if job is None or job.estimated_duration is None:
        return 0.0
    return remaining(job.estimated_duration, (now - job.since).total_seconds())
