"""Answers in words and spans: why a build waits, and where a builder's hours went. Of our own.

Layer 5. Tests: tests/functional/webservice/test_farm.py.
"""

from datetime import timedelta
from typing import Any

from buildfarm.explaining.why import Why, fetch_why
from buildfarm.storage.listings import ListedBuild, ListedBuilder
from buildfarm.storage.timelines import builder_spans
from buildfarm.verdicts import spans
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import Kind, Operation, Parameter

#: The farthest that a history goes back.
MOST_HOURS = 31 * 24


async def _why(context: Context, listed: ListedBuild) -> dict[str, Any]:
    why = await fetch_why(
        context.farm.storage,
        listed.build.id,
        context.pauses(),
        context.utc_now(),
        context.farm.live.troubles(),
        seen=context.seen,
    )
    return {
        "text": _text(why),
        "state": why.state,
        "summary": why.summary,
        "position": why.position,
        "estimated_start": why.estimated_start,
        "builders": [
            {"builder": one.builder, "rule": one.rule, "sentence": one.sentence}
            for one in why.builders
        ],
        "remedy": why.remedy,
        "story": why.story,
    }


def _text(why: Why) -> str:
    """The answer for reading."""
    lines = [f"{why.title}: {why.state.value}", *why.summary]
    lines += [f"- {one.sentence}" for one in why.builders]
    if why.remedy is not None:
        lines.append(why.remedy)
    return "\n".join(lines)


WHY = Operation(
    "why",
    _why,
    "Why it waits, for each builder that does not take it; or what became of it.",
)


async def _get_history(
    context: Context, listed: ListedBuilder, hours: float = 24.0
) -> dict[str, Any]:
    if not 0 < hours <= MOST_HOURS:
        raise Refused(f"hours: {hours} is not between 0 and {MOST_HOURS}.")
    now = context.utc_now()
    since = now - timedelta(hours=hours)
    found = await context.read(builder_spans, listed.builder, since, now, context.seen)
    return {
        "since": since,
        "until": now,
        "seconds": {kind.value: lasted for kind, lasted in spans.hours(found).items()},
        "spans": [
            {"kind": one.kind, "start": one.start, "end": one.end, "build_id": one.build_id}
            for one in found
        ],
    }


GET_HISTORY = Operation(
    "getHistory",
    _get_history,
    "What it did when: building, gathering, resetting, idle or failed.",
    (Parameter("hours", "How far back, 24 if not told.", Kind.NUMBER, required=False),),
)
