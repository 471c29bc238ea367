"""All that the web service offers, and where.

Layer 5. Tests: tests/functional/webservice.
"""

from buildfarm.vocab.access import Visitor
from buildfarm.webservice import (
    archiveentry,
    attemptentry,
    buildcollection,
    buildentry,
    buildercollection,
    builderentry,
    distributionentry,
    farmentry,
    personentry,
    processorentry,
    publicationentry,
    seriesentry,
)
from buildfarm.webservice.context import Context, Farm
from buildfarm.webservice.declarations import Service
from buildfarm.webservice.routes import Route
from buildfarm.webservice.service import WebService

SERVICE = Service.of(
    (
        builderentry.BUILDER,
        processorentry.PROCESSOR,
        buildentry.BUILD,
        attemptentry.ATTEMPT,
        distributionentry.DISTRIBUTION,
        seriesentry.SERIES,
        archiveentry.ARCHIVE,
        publicationentry.PUBLICATION,
        personentry.PERSON,
        personentry.TEAM,
        farmentry.FARM,
    ),
    (
        buildercollection.BUILDERS,
        buildcollection.BUILDS,
        processorentry.PROCESSORS,
        distributionentry.DISTRIBUTIONS,
        personentry.PEOPLE,
    ),
    {"farm": "farm"},
)

#: The first that fits is taken, so fixed names stand before names of distributions.
ROUTES = (
    Route("farm", farmentry.find, farmentry.FARM),
    Route("builders", buildercollection.every, None, buildercollection.BUILDERS, "builder"),
    Route("builders/*", builderentry.find, builderentry.BUILDER),
    Route("builders/*/processors", processorentry.of_builder, target="processor"),
    Route("builds", buildcollection.every, None, buildcollection.BUILDS, "build"),
    Route("+processors", processorentry.every, None, processorentry.PROCESSORS, "processor"),
    Route("+processors/*", processorentry.find, processorentry.PROCESSOR),
    Route("people/+me", personentry.myself, personentry.PERSON),
    Route("people", personentry.every, None, personentry.PEOPLE, "person"),
    Route("~*", personentry.find, personentry.PERSON),
    Route("~*/super_teams", personentry.super_teams, target="team"),
    Route("~*/members", personentry.members, target="person"),
    Route(
        "distributions",
        distributionentry.every,
        None,
        distributionentry.DISTRIBUTIONS,
        "distribution",
    ),
    Route("*/+archive/*", archiveentry.find, archiveentry.ARCHIVE),
    Route("*/+archive/*/+build/*", buildentry.find, buildentry.BUILD),
    Route("*/+archive/*/+build/*/attempts", attemptentry.of_build, target="build_attempt"),
    Route("*/+archive/*/+build/*/attempts/*", attemptentry.find, attemptentry.ATTEMPT),
    Route("*/+archive/*/+sourcepub/*", publicationentry.find, publicationentry.PUBLICATION),
    Route("*/series", distributionentry.series_of, target="distro_series"),
    Route("*/archives", distributionentry.archives_of, target="archive"),
    Route("*/*", seriesentry.find, seriesentry.SERIES),
    Route("*", distributionentry.find, distributionentry.DISTRIBUTION),
)


def web_service(farm: Farm) -> WebService:
    """The service over one farm."""

    def context(visitor: Visitor) -> Context:
        return Context(farm, visitor)

    return WebService(farm.reactor, SERVICE, ROUTES, context)
