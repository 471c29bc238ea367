"""The two HTTP listeners, apart: one for builders, one for people.

Layer 6. Tests: tests/functional/assembly.
"""

from pathlib import Path
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.web.resource import Resource

from buildfarm.assembly.endpoints import with_backlog
from buildfarm.assembly.ground import Ground
from buildfarm.filestore.published import PublishedResource
from buildfarm.filestore.resource import FilesResource
from buildfarm.flow.quietsite import QuietSite
from buildfarm.identity.doorkeeper import Doorkeeper
from buildfarm.identity.exchange import Exchange
from buildfarm.storage.archives import archive_named
from buildfarm.uploads.published import published_directory
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.catalogue import web_service
from buildfarm.webservice.exchange import AccessToken, RequestToken
from buildfarm.webservice.site import VERSIONS, Gate, ServiceResource


def for_builders(ground: Ground) -> Resource:
    """Chroots and sources, for whoever reaches the listener: no file in it is private yet."""

    async def may_read(sha256: str, user: str, password: str) -> bool:
        return True

    return FilesResource(
        ground.reactor,
        ground.store,
        ground.workers,
        may_read,
        ground.settings.files.max_downloads,
    )


def for_people(ground: Ground, doorkeeper: Doorkeeper) -> Resource:
    """Published archives, under /archive/NAME/, and the web service under its versions."""

    async def find_root(name: str) -> Path | None:
        try:
            archive = await ground.storage.read(archive_named, name)
        except Refused:
            return None
        return published_directory(archive)

    published: Any = PublishedResource(ground.reactor, ground.workers, find_root)
    root = Resource()
    root.putChild(b"archive", published)
    gate = Gate(doorkeeper, ground.settings.web.proxies)
    service = ServiceResource(web_service(ground.storage, ground.utc_now), gate)
    for version in VERSIONS:
        root.putChild(version.encode(), service)
    exchange = Exchange(ground.storage, ground.utc_now)
    root.putChild(b"+request-token", RequestToken(exchange))
    root.putChild(b"+access-token", AccessToken(exchange))
    return root


async def listening(reactor: Any, address: str, resource: Resource) -> Any:
    """A port that serves `resource` at `address`. Raises CannotListenError."""
    site: Any = QuietSite(resource, reactor=reactor)
    return await serverFromString(reactor, with_backlog(address)).listen(site)
