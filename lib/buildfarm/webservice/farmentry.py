"""The farm as a whole: what its builders do, what waits, and whether it is well. Of our own.

Layer 5. Tests: tests/functional/webservice/test_farm.py.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from buildfarm.storage.glance import backlogs, glance
from buildfarm.verdicts.doing import doing
from buildfarm.vocab.glance import Backlog, Doing, Glance
from buildfarm.vocab.health import Health
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import EntryType, Field, Kind
from buildfarm.webservice.words import lasting


@dataclass(frozen=True, slots=True)
class FarmNow:
    """The farm at one moment; see `glance`, and `context.Live` for what the scanners add."""

    glance: Glance
    pauses: tuple[str, ...]
    troubles: Mapping[int, str]
    health: Health


async def find(context: Context) -> FarmNow:
    """The farm now."""
    live = context.farm.live
    found = await context.read(glance, context.seen, context.utc_now())
    return FarmNow(found, context.pauses(), live.troubles(), await context.farm.health())


async def fetch_queue_sizes(context: Context) -> dict[str, dict[str, Any]]:
    """Per kind and processor how many builds wait, and for how long."""
    return _sizes(await context.read(backlogs))


def _sizes(waiting: Mapping[tuple[str, bool], Backlog]) -> dict[str, dict[str, Any]]:
    sizes: dict[str, dict[str, Any]] = {"virt": {}, "nonvirt": {}}
    for (processor, virtualized), backlog in sorted(waiting.items()):
        kind = sizes["virt" if virtualized else "nonvirt"]
        kind[processor] = [backlog.builds, lasting(backlog.seconds)]
    return sizes


def _builders(farm: FarmNow) -> dict[str, int]:
    """How many builders do what; what none does is there with 0."""
    found = Counter(doing(one, farm.troubles.get(one.id)) for one in farm.glance.builders)
    return {what.value: found[what] for what in Doing}


def _builds(farm: FarmNow) -> dict[str, int]:
    """How many builds wait, and how many are on builders."""
    return {
        "waiting": sum(backlog.builds for backlog in farm.glance.backlogs.values()),
        "on builders": sum(one.job is not None for one in farm.glance.builders),
    }


FARM = EntryType(
    "farm",
    "The whole farm, now.",
    lambda farm: "farm",
    (
        Field("builders", _builders, "How many builders do what.", Kind.MAPPING),
        Field("builds", _builds, "How many builds wait, and are on builders.", Kind.MAPPING),
        Field(
            "backlog",
            lambda farm: _sizes(farm.glance.backlogs),
            "For each kind and processor: how many builds wait, and for how long.",
            Kind.MAPPING,
        ),
        Field("pauses", lambda farm: farm.pauses, "Why no build is begun now.", Kind.LIST),
        Field("is_healthy", lambda farm: farm.health.ok, "Whether it is well.", Kind.BOOLEAN),
        Field("troubles", lambda farm: farm.health.troubles, "Why it is not.", Kind.LIST),
    ),
)
