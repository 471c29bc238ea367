"""Distributions, as far as Launchpad's tools need them.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from http import HTTPStatus

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.webservice import archiveentry
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
from buildfarm.webservice.distributions import (
    Distribution,
    Series,
    fetch_distribution,
    fetch_distributions,
)


async def find(context: Context, name: str) -> Distribution | None:
    """The distribution of this name."""
    return await fetch_distribution(context, name)


async def every(context: Context, wanted: Batch) -> Page:
    """Every distribution."""
    found = [one for _, one in sorted((await fetch_distributions(context)).items())]
    return Page.of(found, wanted)


async def series_of(context: Context, name: str, wanted: Batch) -> Page | None:
    """The series of a distribution."""
    found = await fetch_distribution(context, name)
    if found is None:
        return None
    every = [Series(found.name, one) for one in found.series]
    return Page.of(every, wanted)


async def archives_of(context: Context, name: str, wanted: Batch) -> Page | None:
    """The archives of a distribution."""
    found = await fetch_distribution(context, name)
    if found is None:
        return None
    return Page.of(found.archives, wanted)


async def _get_series(context: Context, subject: Distribution, name_or_version: str) -> Series:
    if name_or_version not in subject.series:
        raise Denied(HTTPStatus.NOT_FOUND, f"{subject.name} has no series {name_or_version!r}.")
    return Series(subject.name, name_or_version)


async def _get_archive(
    context: Context, subject: Distribution, name: str
) -> ArchiveSnapshot | None:
    return next((one for one in subject.archives if one.name == name), None)


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
            lambda one: archiveentry.path(one.archives[0]),
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

DISTRIBUTIONS = CollectionType("distributions", "The distributions.", "distribution")
