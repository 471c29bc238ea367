"""Attempts: one dispatch of a build to one builder each. Of our own; Launchpad keeps the last only.

Layer 5. Tests: tests/functional/webservice/test_histories.py.
"""

from buildfarm.storage.histories import ListedAttempt, attempts_of_build
from buildfarm.webservice import buildentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import EntryType, Field, Kind, Page


def path(one: ListedAttempt) -> str:
    """Where an attempt is."""
    return f"{buildentry.path(one.build)}/attempts/{one.attempt.number}"


async def of_build(
    context: Context, distribution: str, archive: str, build_id: str, wanted: Batch
) -> Page | None:
    """The attempts of a build, the first one first, if the visitor may see it."""
    found = await _every(context, distribution, archive, build_id)
    if found is None:
        return None
    return Page.of(found, wanted)


async def find(
    context: Context, distribution: str, archive: str, build_id: str, number: str
) -> ListedAttempt | None:
    """One attempt by its number, if the visitor may see its build."""
    found = await _every(context, distribution, archive, build_id)
    return next((one for one in found or () if str(one.attempt.number) == number), None)


async def _every(
    context: Context, distribution: str, archive: str, build_id: str
) -> tuple[ListedAttempt, ...] | None:
    build = await buildentry.find(context, distribution, archive, build_id)
    return None if build is None else await context.read(attempts_of_build, build.build.id)


# Its cookie is left out: what a private build reads by is made of it.
ATTEMPT = EntryType(
    "build_attempt",
    "One dispatch of a build to one builder.",
    path,
    (
        Field("id", lambda one: one.attempt.id, "Its number in this farm.", Kind.INTEGER),
        Field("number", lambda one: one.attempt.number, "Its build's first is 1.", Kind.INTEGER),
        Field(
            "build", lambda one: buildentry.path(one.build), "Of which build.", Kind.LINK, "build"
        ),
        Field("build_id", lambda one: one.build.id, "The number of that build.", Kind.INTEGER),
        Field("title", lambda one: one.build.title, "What was built, and for where."),
        Field("source_package_name", lambda one: one.build.source, "The source package."),
        Field("source_package_version", lambda one: one.build.version, "Its version."),
        Field("arch_tag", lambda one: one.build.architecture, "For this architecture."),
        Field("archive_name", lambda one: one.build.archive, "For this archive."),
        Field("suite", lambda one: one.build.suite, "For this suite."),
        Field(
            "builder",
            lambda one: f"builders/{one.attempt.builder_name}",
            "Who was given it.",
            Kind.LINK,
            "builder",
        ),
        Field("builder_name", lambda one: one.attempt.builder_name, "The name of that builder."),
        Field("state", lambda one: one.attempt.state.value, "How far it has come."),
        Field(
            "outcome",
            lambda one: one.attempt.outcome and one.attempt.outcome.value,
            "What became of it.",
        ),
        Field("reason", lambda one: one.attempt.reason, "Why, in a sentence."),
        Field("date_claimed", lambda one: one.attempt.claimed, "When it was given.", Kind.TIME),
        Field("date_sent", lambda one: one.attempt.sent, "When the builder was told.", Kind.TIME),
        Field("date_confirmed", lambda one: one.attempt.confirmed, "When it had begun.", Kind.TIME),
        Field(
            "date_gathered", lambda one: one.attempt.gathered, "When its results came.", Kind.TIME
        ),
        Field("date_closed", lambda one: one.attempt.closed, "When all was over.", Kind.TIME),
    ),
)
