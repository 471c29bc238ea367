"""Source publications: a source package in a suite of an archive.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from buildfarm.storage.publications import Publication, publication
from buildfarm.verdicts.permissions import may_see
from buildfarm.webservice import buildentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import Answer, EntryType, Field, Kind, Operation, Page
from buildfarm.webservice.words import POCKETS


async def find(
    context: Context, _distribution: str, archive_name: str, number: str
) -> Publication | None:
    """The publication of this number, if the visitor may see it."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    found = await context.read(publication, int(number))
    if found is None or found.archive != archive_name:
        return None
    return found if may_see(context.visitor, found.archive, private=found.private) else None


async def _builds_of(context: Context, subject: Publication, wanted: Batch) -> Page:
    return await buildentry.records(
        context,
        wanted,
        source_name=subject.source,
        archive=subject.archive,
        suite=subject.suite,
        version=subject.version,
    )


PUBLICATION = EntryType(
    "source_package_publishing_history",
    "A source package in a suite of an archive.",
    lambda one: f"{one.distribution}/+archive/{one.archive}/+sourcepub/{one.id}",
    (
        Field("display_name", lambda one: f"{one.source} {one.version} in {one.suite}", "All."),
        Field("source_package_name", lambda one: one.source, "Its name."),
        Field("source_package_version", lambda one: one.version, "Its version."),
        Field("component_name", lambda one: one.component, "Its component."),
        Field("pocket", lambda one: POCKETS[one.pocket], "Its pocket."),
        Field("status", lambda one: "Published", "Sources are published once submitted."),
        Field("date_published", lambda one: one.created, "When it was submitted.", Kind.TIME),
        Field(
            "distro_series",
            lambda one: f"{one.distribution}/{one.series}",
            "Its series.",
            Kind.LINK,
            "distro_series",
        ),
        Field(
            "archive",
            lambda one: f"{one.distribution}/+archive/{one.archive}",
            "Its archive.",
            Kind.LINK,
            "archive",
        ),
    ),
    (
        Operation(
            "getBuilds",
            _builds_of,
            "Its builds, one for each architecture.",
            answer=Answer.PAGE,
            target="build",
        ),
    ),
)
