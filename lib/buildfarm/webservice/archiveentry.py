"""Archives, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from http import HTTPStatus

from buildfarm.storage.publications import PublicationFilter, publications
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.webservice import buildentry
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.distributions import fetch_distribution
from buildfarm.webservice.words import BUILD_STATES, POCKET_OF, POCKETS


def path(archive: ArchiveSnapshot) -> str:
    """Where an archive is."""
    return f"{archive.distribution}/+archive/{archive.name}"


async def find(context: Context, distribution: str, name: str) -> ArchiveSnapshot | None:
    """The archive of this name, if the visitor may see it."""
    found = await fetch_distribution(context, distribution)
    return next((one for one in found.archives if one.name == name), None) if found else None


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


ARCHIVE = EntryType(
    "archive",
    "Where results are published.",
    path,
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
