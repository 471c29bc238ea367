"""Archives, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from buildfarm.intake.nameless import SentFile, with_names
from buildfarm.intake.submit import Offer, submit
from buildfarm.storage.listings import listed_build
from buildfarm.storage.publications import (
    PublicationFilter,
    publication_of_build,
    publications,
)
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.webservice import buildentry
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    Created,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.depwaiting import RETRY_DEP_WAITING
from buildfarm.webservice.distributions import fetch_distribution
from buildfarm.webservice.words import POCKET_OF, POCKETS


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
    context: Context, subject: ArchiveSnapshot, wanted: Batch, **asked: str
) -> Page:
    return await buildentry.records(context, wanted, archive=subject.name, **asked)


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


async def _submit_source(
    context: Context,
    subject: ArchiveSnapshot,
    *,
    files: Sequence[SentFile],
    suite: str,
    architectures: Sequence[str] = (),
    score: int = 0,
) -> Created:
    if score:  # whoever could choose it would always go first
        context.require(Deed.RESCORE, subject.name)
    farm = context.farm
    dsc_name, named = await farm.workers.run(with_names, files)
    offer = Offer(
        dsc_name=dsc_name,
        files=named,
        archive=subject.name,
        suite=suite,
        architectures=tuple(architectures),
        score=score,
        requester=context.actor,
    )
    build_ids = await submit(
        offer,
        context.actor,
        context.utc_now(),
        transactor=farm.storage,
        filestore=farm.store,
        workers=farm.workers,
    )
    return await context.read(_submitted, build_ids)


def _submitted(store: Any, build_ids: Sequence[int]) -> Created:
    """A query: what was made of a submission."""
    builds = [listed_build(store, build_id) for build_id in build_ids]
    return Created(publication_of_build(store, build_ids[0]), builds)


def _packages(one: ArchiveSnapshot) -> str | None:
    return None if one.private else f"archive/{one.name}/"


#: Names for files: launchpadlib sends one for each parameter, and asks that each be declared.
_FILES = tuple(
    Parameter(f"file{number}", "A file that it names.", Kind.FILE, required=False)
    for number in range(1, 10)
)

ARCHIVE = EntryType(
    "archive",
    "Where results are published.",
    path,
    (
        Field("name", lambda one: one.name, "Its name."),
        Field("displayname", lambda one: one.name, "The same."),
        Field("web_link", _packages, "Its packages, if they are public.", Kind.WEB),
        Field("signing_key_fingerprint", lambda one: one.key_id, "The key that signs it."),
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
            buildentry.RECORDS,
            Answer.PAGE,
            "build",
        ),
        Operation(
            "submitSource",
            _submit_source,
            "Submit a source package, all of its files at once; the answer lists its builds.",
            (
                Parameter("suite", "For which of its suites."),
                Parameter("dsc", "The .dsc.", Kind.FILE),
                *_FILES,
                Parameter("architectures", "Only for these.", Kind.LIST, required=False),
                Parameter("score", "A higher one goes first.", Kind.INTEGER, required=False),
            ),
            Answer.CREATED,
            "source_package_publishing_history",
            deed=Deed.SUBMIT,
            listed="build",
        ),
        RETRY_DEP_WAITING,
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
    archive_of=lambda one: one.name,
)
