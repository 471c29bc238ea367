"""All builds of the farm, and what ended when. Of our own: Launchpad lists builds by archive.

Layer 5. Tests: tests/functional/webservice/test_histories.py.
"""

from collections.abc import Callable
from typing import Any

from buildfarm.storage.histories import Ended, ended_attempts, ended_builds
from buildfarm.storage.listings import ListedBuild, listed_build
from buildfarm.verdicts.permissions import may_see
from buildfarm.webservice import buildentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    Kind,
    Operation,
    Page,
    Parameter,
)


async def every(context: Context, wanted: Batch) -> Page:
    """Every build that the visitor may see, the newest first."""
    return await buildentry.records(context, wanted)


async def _get_by_id(context: Context, _subject: None, id: int) -> ListedBuild | None:  # noqa: A002
    found = await context.read(listed_build, id) if 0 < id < 2**63 else None
    if found is None or not may_see(context.visitor, found.build.archive, private=found.private):
        return None
    return found


async def _get_build_records(context: Context, _subject: None, wanted: Batch, **asked: str) -> Page:
    return await buildentry.records(context, wanted, **asked)


async def _get_ended_builds(context: Context, _subject: None, wanted: Batch, **span: Any) -> Page:
    return await _ended(context, ended_builds, wanted, **span)


async def _get_ended_attempts(context: Context, _subject: None, wanted: Batch, **span: Any) -> Page:
    return await _ended(context, ended_attempts, wanted, **span)


async def _ended(
    context: Context, query: Callable[..., tuple[object, ...]], wanted: Batch, **span: Any
) -> Page:
    """A batch of what ended in a span. The total is how many are known of: there may be more."""
    chosen = Ended(context.seen, **span)
    found = await context.read(query, chosen, wanted.size + 1, wanted.start)
    return Page(found[: wanted.size], wanted.start + len(found) if found else 0)


_SPAN = (
    Parameter("since", "Only what ended then or later.", Kind.TIME, required=False),
    Parameter("until", "Only what ended before.", Kind.TIME, required=False),
    Parameter("after", "Only what has a higher id.", Kind.INTEGER, required=False),
)

BUILDS = CollectionType(
    "builds",
    "The builds of the farm.",
    "build",
    (
        Operation(
            "getByID",
            _get_by_id,
            "The build of this number.",
            (Parameter("id", "Its number.", Kind.INTEGER),),
            Answer.ENTRY,
            "build",
        ),
        Operation(
            "getBuildRecords",
            _get_build_records,
            "The builds that fit all of this.",
            (
                *buildentry.RECORDS,
                Parameter("archive", "Only for the archive of this name.", required=False),
                Parameter("suite", "Only for this suite.", required=False),
            ),
            Answer.PAGE,
            "build",
        ),
        Operation(
            "getEndedBuilds",
            _get_ended_builds,
            "Builds that ended in a span of time, by id; for the next ones ask `after` the last.",
            _SPAN,
            Answer.PAGE,
            "build",
        ),
        Operation(
            "getEndedAttempts",
            _get_ended_attempts,
            "The same of attempts.",
            _SPAN,
            Answer.PAGE,
            "build_attempt",
        ),
    ),
)
