"""The whole farm in one answer, for those who watch it: what `farm-status` shows.

Layer 5. Of our own: what Launchpad's page shows of builders takes a client thousands of requests.
Tests: tests/functional/webservice/test_histories.py.
"""

from datetime import UTC, datetime
from typing import Any

from buildfarm.storage.glance import glance
from buildfarm.verdicts.doing import doing, since
from buildfarm.vocab.glance import Glance, GlancedBuilder
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import Operation


async def _get_overview(context: Context, _subject: None) -> dict[str, Any]:
    found: Glance = await context.read(glance, context.seen, context.utc_now())
    troubles = context.farm.live.troubles()
    return {
        "time": _time(found.time),
        "pauses": list(context.pauses()),
        "builders": [_builder(one, troubles.get(one.id)) for one in found.builders],
        "queues": [
            {
                "processor": processor,
                "virtualized": virtualized,
                "builds": backlog.builds,
                "duration": backlog.seconds,
            }
            for (processor, virtualized), backlog in sorted(found.backlogs.items())
        ],
    }


def _builder(one: GlancedBuilder, trouble: str | None) -> dict[str, Any]:
    job = one.job
    return {
        "name": one.name,
        "processors": list(one.processors),
        "virtualized": one.virtualized,
        "manual": one.manual,
        "state": doing(one, trouble).value,
        "since": _time(since(one)),
        "reason": trouble or (None if one.builderok else one.failnotes),
        "is_building": job is not None,
        "build_id": job and job.build_id,
        "title": job and job.title,
        "log_line": job and job.log_line,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()


GET_OVERVIEW = Operation(
    "getOverview",
    _get_overview,
    "Every builder with what it does since when, what waits for which kind, and what is wrong.",
)
