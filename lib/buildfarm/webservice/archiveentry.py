"""Distributions, series, archives and source publications, as far as Launchpad's tools need them.

A distribution is what archives say that they are of, a series what their suites belong to.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from dataclasses import dataclass
from http import HTTPStatus

from buildfarm.storage import archives
from buildfarm.storage.publications import (
    Publication,
    PublicationFilter,
    publication,
    publications,
)
from buildfarm.verdicts.permissions import Deed, may_see, refusal
from buildfarm.vocab.archive import ArchiveSnapshot, split_suite
from buildfarm.vocab.errors import Refused
from buildfarm.webservice import buildentry
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.words import BUILD_STATES, POCKET_OF, POCKETS

#: Names that the main archive of a distribution may have, the likeliest first.
_MAIN = ("primary", "main")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution with those of its archives that the visitor may see, the main one first."""

    name: str
    archives: tuple[ArchiveSnapshot, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """Its series, in the order in which its archives name them."""
        suites = (suite for archive in self.archives for suite in archive.suites)
        return tuple(dict.fromkeys(split_suite(suite)[0] for suite in suites))


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a distribution."""

    distribution: str
    name: str


async def _distributions(context: Context) -> dict[str, Distribution]:
    found: dict[str, list[ArchiveSnapshot]] = {}
    for archive in await context.read(archives.archives):
        if context.sees(archive):
            found.setdefault(archive.distribution, []).append(archive)

    def place(archive: ArchiveSnapshot) -> int:
        return _MAIN.index(archive.name) if archive.name in _MAIN else len(_MAIN)

    return {
        name: Distribution(name, tuple(sorted(some, key=place))) for name, some in found.items()
    }


async def distribution(context: Context, name: str) -> Distribution | None:
    """The distribution of this name."""
    return (await _distributions(context)).get(name)


async def distributions(context: Context, wanted: Batch) -> Page:
    """Every distribution."""
    found = [one for _, one in sorted((await _distributions(context)).items())]
    return Page(found[wanted.start : wanted.start + wanted.size], len(found))


async def series(context: Context, distribution_name: str, name: str) -> Series | None:
    """The series of this name."""
    found = await distribution(context, distribution_name)
    return None if found is None or name not in found.series else Series(found.name, name)


async def series_of(context: Context, name: str, wanted: Batch) -> Page | None:
    """The series of a distribution."""
    found = await distribution(context, name)
    if found is None:
        return None
    every = [Series(found.name, one) for one in found.series]
    return Page(every[wanted.start : wanted.start + wanted.size], len(every))


async def archives_of(context: Context, name: str, wanted: Batch) -> Page | None:
    """The archives of a distribution."""
    found = await distribution(context, name)
    if found is None:
        return None
    return Page(found.archives[wanted.start : wanted.start + wanted.size], len(found.archives))


async def archive(context: Context, distribution_name: str, name: str) -> ArchiveSnapshot | None:
    """The archive of this name, if the visitor may see it."""
    found = await distribution(context, distribution_name)
    return next((one for one in found.archives if one.name == name), None) if found else None


async def source_publication(
    context: Context, _distribution: str, archive_name: str, number: str
) -> Publication | None:
    """The publication of this number, if the visitor may see it."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    found = await context.read(publication, int(number))
    if found is None or found.archive != archive_name:
        return None
    return found if may_see(context.visitor, found.archive, private=found.private) else None


async def _get_series(context: Context, subject: Distribution, name_or_version: str) -> Series:
    if name_or_version not in subject.series:
        raise Denied(HTTPStatus.NOT_FOUND, f"{subject.name} has no series {name_or_version!r}.")
    return Series(subject.name, name_or_version)


async def _get_archive(
    context: Context, subject: Distribution, name: str
) -> ArchiveSnapshot | None:
    return next((one for one in subject.archives if one.name == name), None)


async def _get_published_sources(
    context: Context,
    subject: ArchiveSnapshot,
    wanted: Batch,
    *,
    source_name: str | None = None,
    exact_match: bool = False,
    distro_series: str | None = None,
    pocket: str | None = None,
    version: str | None = None,
    status: str | None = None,
) -> Page:
    if status not in (None, "Published"):
        return Page((), 0)
    chosen = PublicationFilter(
        context.seen,
        subject.name,
        source_name if exact_match else None,
        None if exact_match else source_name,
        version,
        None if distro_series is None else distro_series.rpartition("/")[2],
        None if pocket is None else POCKET_OF[pocket],
    )
    found, total = await context.read(publications, chosen, wanted.start, wanted.size)
    return Page(found, total)


async def _get_build_records(
    context: Context,
    subject: ArchiveSnapshot,
    wanted: Batch,
    build_state: str | None = None,
    source_name: str | None = None,
) -> Page:
    return await buildentry.records(context, wanted, build_state, source_name, archive=subject.name)


async def _check_upload(
    context: Context,
    subject: ArchiveSnapshot,
    *,
    person: str,
    distroseries: str,
    sourcepackagename: str,
    component: str | None = None,
    pocket: str | None = None,
    strict_component: bool = True,
) -> bool:
    if person.removeprefix("/~") != context.visitor.person:
        raise Refused("This farm only says what you may do yourself.")
    sentence = refusal(context.visitor, Deed.RETRY, subject.name)
    if sentence is not None:
        raise Denied(HTTPStatus.FORBIDDEN, sentence)
    return True


async def _builds_of(context: Context, subject: Publication, wanted: Batch) -> Page:
    return await buildentry.records(
        context,
        wanted,
        source_name=subject.source,
        archive=subject.archive,
        suite=subject.suite,
        version=subject.version,
    )


def _archive_path(one: ArchiveSnapshot) -> str:
    return f"{one.distribution}/+archive/{one.name}"


DISTRIBUTION = EntryType(
    "distribution",
    "What archives are of.",
    lambda one: one.name,
    (
        Field("name", lambda one: one.name, "Its name."),
        Field("display_name", lambda one: one.name.title(), "Its name for reading."),
        Field("title", lambda one: one.name.title(), "The same."),
        Field(
            "main_archive",
            lambda one: _archive_path(one.archives[0]),
            "Its first archive.",
            Kind.LINK,
            "archive",
        ),
        Field(
            "current_series",
            lambda one: f"{one.name}/{one.series[0]}",
            "The first series of its first archive.",
            Kind.LINK,
            "distro_series",
        ),
        Field(
            "series",
            lambda one: f"{one.name}/series",
            "Its series.",
            Kind.COLLECTION,
            "distro_series",
        ),
        Field(
            "archives",
            lambda one: f"{one.name}/archives",
            "Its archives.",
            Kind.COLLECTION,
            "archive",
        ),
    ),
    (
        Operation(
            "getSeries",
            _get_series,
            "The series of this name or version.",
            (Parameter("name_or_version", "Its name."),),
            Answer.ENTRY,
            "distro_series",
        ),
        Operation(
            "getArchive",
            _get_archive,
            "The archive of this name.",
            (Parameter("name", "Its name."),),
            Answer.ENTRY,
            "archive",
        ),
    ),
)

SERIES = EntryType(
    "distro_series",
    "A series of a distribution.",
    lambda one: f"{one.distribution}/{one.name}",
    (
        Field("name", lambda one: one.name, "Its name."),
        Field("version", lambda one: one.name, "The same: this farm keeps no versions."),
        Field("displayname", lambda one: one.name.title(), "Its name for reading."),
        Field("active", lambda one: True, "Always.", Kind.BOOLEAN),
        Field("distribution", lambda one: one.distribution, "Of what.", Kind.LINK, "distribution"),
    ),
)

ARCHIVE = EntryType(
    "archive",
    "Where results are published.",
    _archive_path,
    (
        Field("name", lambda one: one.name, "Its name."),
        Field("displayname", lambda one: one.name, "The same."),
        Field("distribution", lambda one: one.distribution, "Of what.", Kind.LINK, "distribution"),
        Field("suites", lambda one: one.suites, "Its suites.", Kind.LIST),
        Field("architectures", lambda one: one.architectures, "Its architectures.", Kind.LIST),
        Field("private", lambda one: one.private, "Whether few may see it.", Kind.BOOLEAN),
        Field(
            "require_virtualized",
            lambda one: one.virtualized,
            "Whether it builds on virtual builders only.",
            Kind.BOOLEAN,
        ),
    ),
    (
        Operation(
            "getPublishedSources",
            _get_published_sources,
            "Its source packages.",
            (
                Parameter("source_name", "Of this name.", required=False),
                Parameter("exact_match", "Not only a part of it.", Kind.BOOLEAN, required=False),
                Parameter("distro_series", "In this one.", Kind.LINK, "distro_series", (), False),
                Parameter(
                    "pocket", "In this one.", choices=tuple(POCKETS.values()), required=False
                ),
                Parameter("version", "Of this version.", required=False),
                Parameter("status", "Published, or none is found.", required=False),
            ),
            Answer.PAGE,
            "source_package_publishing_history",
        ),
        Operation(
            "getBuildRecords",
            _get_build_records,
            "Its builds.",
            (
                Parameter(
                    "build_state",
                    "Only those in this state.",
                    choices=tuple(BUILD_STATES.values()),
                    required=False,
                ),
                Parameter("source_name", "Only of this source package.", required=False),
            ),
            Answer.PAGE,
            "build",
        ),
        Operation(
            "checkUpload",
            _check_upload,
            "Whether you may upload, and so retry, here: true, or an error.",
            (
                Parameter("person", "You.", Kind.LINK, "person"),
                Parameter("distroseries", "Where.", Kind.LINK, "distro_series"),
                Parameter("sourcepackagename", "What."),
                Parameter("component", "Where.", required=False),
                Parameter("pocket", "Where.", required=False),
                Parameter("strict_component", "Ignored.", Kind.BOOLEAN, required=False),
            ),
        ),
    ),
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

DISTRIBUTIONS = CollectionType("distributions", "The distributions.", "distribution")
