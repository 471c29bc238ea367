"""Builds, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_builds.py.
"""

from typing import Any

from buildfarm.storage import builds
from buildfarm.storage.listings import BuildFilter, ListedBuild, builds_part, listed_build
from buildfarm.verdicts.permissions import Deed, may_see
from buildfarm.verdicts.transitions import cancel_refusal, rescore_refusal, retry_refusal
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.states import BuildState
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import EntryType, Field, Kind, Operation, Page, Parameter
from buildfarm.webservice.telling import WHY
from buildfarm.webservice.words import BUILD_STATES, POCKET_OF, POCKETS, STATE_OF, lasting


def path(build: BuildSnapshot) -> str:
    """Where a build is."""
    return f"{build.distribution}/+archive/{build.archive}/+build/{build.id}"


async def find(
    context: Context, distribution: str, archive: str, build_id: str
) -> ListedBuild | None:
    """The build at an address, if the visitor may see it."""
    if not (build_id.isascii() and build_id.isdigit() and len(build_id) < 19):
        return None
    found = await context.read(listed_build, int(build_id))
    if found is None or not may_see(context.visitor, found.build.archive, private=found.private):
        return None
    here = (found.build.distribution, found.build.archive) == (distribution, archive)
    return found if here else None


#: What every `getBuildRecords` can be asked for.
RECORDS = (
    Parameter(
        "build_state",
        "Only those in this state.",
        choices=tuple(BUILD_STATES.values()),
        required=False,
    ),
    Parameter("source_name", "Only of this source package.", required=False),
    Parameter("pocket", "Only for this one.", choices=tuple(POCKETS.values()), required=False),
)


async def records(
    context: Context,
    wanted: Batch,
    *,
    build_state: str | None = None,
    source_name: str | None = None,
    pocket: str | None = None,
    **conditions: Any,
) -> Page:
    """Builds that fit, as far as the visitor may see them: those of `RECORDS`, and `conditions`."""
    chosen = BuildFilter(
        context.seen,
        states=None if build_state is None else frozenset({STATE_OF[build_state]}),
        source=source_name,
        pocket=None if pocket is None else POCKET_OF[pocket],
        **conditions,
    )
    part = await context.read(builds_part, chosen, wanted.start, wanted.size)
    return Page(part.items, part.total)


async def _retry(context: Context, listed: ListedBuild) -> None:
    await context.write(builds.retry, listed.build.id, False, context.actor, context.utc_now())


async def _cancel(context: Context, listed: ListedBuild) -> None:
    await context.write(builds.cancel, listed.build.id, context.actor, context.utc_now())


async def _rescore(context: Context, listed: ListedBuild, score: int) -> None:
    await context.write(builds.rescore, listed.build.id, score, context.actor, context.utc_now())


def _duration(listed: ListedBuild) -> str | None:
    build = listed.build
    if build.started is None or build.finished is None:
        return None
    return lasting((build.finished - build.started).total_seconds())


#: States in which the log may be looked at as it grows.
_ON_BUILDER = frozenset({BuildState.BUILDING, BuildState.GATHERING, BuildState.CANCELLING})


def _log(listed: ListedBuild) -> str | None:
    build = listed.build
    there = build.log_digest is not None or build.state in _ON_BUILDER
    return f"builds/{build.id}/log" if there else None


_FIELDS = (
    Field("id", lambda one: one.build.id, "Its number in this farm.", Kind.INTEGER),
    Field("title", lambda one: one.build.title, "What it builds, and for where."),
    Field("archive_name", lambda one: one.build.archive, "The name of its archive."),
    Field("suite", lambda one: one.build.suite, "The suite that it is for."),
    Field("builder_name", lambda one: one.builder, "Who was given it last."),
    Field(
        "attempts",
        lambda one: f"{path(one.build)}/attempts",
        "Each dispatch of it to a builder.",
        Kind.COLLECTION,
        "build_attempt",
    ),
    Field("web_link", lambda one: f"builds/{one.build.id}", "Its page.", Kind.WEB),
    Field("build_log_url", _log, "Its log, once there is one.", Kind.WEB),
    Field(
        "arch_indep",
        lambda one: one.build.arch_indep,
        "Whether it makes the packages that are for all architectures too.",
        Kind.BOOLEAN,
    ),
    Field(
        "virtualized",
        lambda one: one.build.virtualized,
        "Whether it needs a virtual builder.",
        Kind.BOOLEAN,
    ),
    Field("arch_tag", lambda one: one.build.architecture, "Its architecture."),
    Field(
        "archive",
        lambda one: f"{one.build.distribution}/+archive/{one.build.archive}",
        "The archive that it is for.",
        Kind.LINK,
        "archive",
    ),
    Field(
        "distribution",
        lambda one: one.build.distribution,
        "Its distribution.",
        Kind.LINK,
        "distribution",
    ),
    Field(
        "builder",
        lambda one: one.builder and f"builders/{one.builder}",
        "The builder that it was given to last.",
        Kind.LINK,
        "builder",
    ),
    Field(
        "buildstate",
        lambda one: BUILD_STATES[one.build.state],
        "Its state.",
        choices=tuple(BUILD_STATES.values()),
    ),
    Field("source_package_name", lambda one: one.build.source, "The source package."),
    Field("source_package_version", lambda one: one.build.version, "Its version."),
    Field("pocket", lambda one: POCKETS[one.build.pocket], "Its pocket."),
    Field("component_name", lambda one: one.build.component, "Its component."),
    Field("datecreated", lambda one: one.build.created, "When it was submitted.", Kind.TIME),
    Field("date_started", lambda one: one.build.started, "When it began.", Kind.TIME),
    Field("datebuilt", lambda one: one.build.finished, "When it ended.", Kind.TIME),
    Field("duration", _duration, "How long it took."),
    Field("score", lambda one: one.score, "Its score while it is queued.", Kind.INTEGER),
    Field("dependencies", lambda one: one.build.dependencies, "What it waits for."),
    Field("failnotes", lambda one: one.build.reason, "Why it is in this state, in a sentence."),
    Field("requester", lambda one: one.build.requester, "Who submitted it."),
    Field(
        "can_be_retried",
        lambda one: retry_refusal(one.build.state) is None,
        "Whether it can be tried again.",
        Kind.BOOLEAN,
    ),
    Field(
        "can_be_rescored",
        lambda one: rescore_refusal(one.build.state) is None,
        "Whether its score can be changed.",
        Kind.BOOLEAN,
    ),
    Field(
        "can_be_cancelled",
        lambda one: cancel_refusal(one.build.state) is None,
        "Whether it can be cancelled.",
        Kind.BOOLEAN,
    ),
)

BUILD = EntryType(
    "build",
    "One source package for one architecture, in one archive and suite.",
    lambda one: path(one.build),
    _FIELDS,
    (
        Operation("retry", _retry, "Try again.", changes=True, deed=Deed.RETRY),
        Operation("cancel", _cancel, "Cancel it.", changes=True, deed=Deed.CANCEL),
        Operation(
            "rescore",
            _rescore,
            "Give it another score while it waits.",
            (Parameter("score", "A higher one goes first.", Kind.INTEGER),),
            changes=True,
            deed=Deed.RESCORE,
        ),
        WHY,
    ),
    archive_of=lambda one: one.build.archive,
)
