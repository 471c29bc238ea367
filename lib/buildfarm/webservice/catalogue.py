"""All that the web service offers, and where.

Layer 5. Tests: tests/functional/webservice.
"""

from collections.abc import Callable
from datetime import datetime

from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.access import Visitor
from buildfarm.webservice import archiveentry, buildentry, builderentry, personentry
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import Service
from buildfarm.webservice.service import Route, WebService

SERVICE = Service.of(
    (
        builderentry.BUILDER,
        builderentry.PROCESSOR,
        buildentry.BUILD,
        archiveentry.DISTRIBUTION,
        archiveentry.SERIES,
        archiveentry.ARCHIVE,
        archiveentry.PUBLICATION,
        personentry.PERSON,
        personentry.TEAM,
    ),
    (
        builderentry.BUILDERS,
        builderentry.PROCESSORS,
        archiveentry.DISTRIBUTIONS,
        personentry.PEOPLE,
    ),
)

#: The first that fits is taken, so fixed names stand before names of distributions.
ROUTES = (
    Route("builders", builderentry.every, None, builderentry.BUILDERS, "builder"),
    Route("builders/*", builderentry.find, builderentry.BUILDER),
    Route("builders/*/processors", builderentry.processors_of, target="processor"),
    Route("+processors", builderentry.processors, None, builderentry.PROCESSORS, "processor"),
    Route("+processors/*", builderentry.processor, builderentry.PROCESSOR),
    Route("people/+me", personentry.myself, personentry.PERSON),
    Route("people", personentry.every, None, personentry.PEOPLE, "person"),
    Route("~*", personentry.find, personentry.PERSON),
    Route("~*/super_teams", personentry.super_teams, target="team"),
    Route("~*/members", personentry.members, target="person"),
    Route(
        "distributions",
        archiveentry.distributions,
        None,
        archiveentry.DISTRIBUTIONS,
        "distribution",
    ),
    Route("*/+archive/*", archiveentry.archive, archiveentry.ARCHIVE),
    Route("*/+archive/*/+build/*", buildentry.find, buildentry.BUILD),
    Route("*/+archive/*/+sourcepub/*", archiveentry.source_publication, archiveentry.PUBLICATION),
    Route("*/series", archiveentry.series_of, target="distro_series"),
    Route("*/archives", archiveentry.archives_of, target="archive"),
    Route("*/*", archiveentry.series, archiveentry.SERIES),
    Route("*", archiveentry.distribution, archiveentry.DISTRIBUTION),
)


def web_service(storage: Transactor, utc_now: Callable[[], datetime]) -> WebService:
    """The service over one farm."""

    def context(visitor: Visitor) -> Context:
        return Context(storage, utc_now, visitor)

    return WebService(SERVICE, ROUTES, context)
