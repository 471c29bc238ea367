"""The two HTTP listeners, apart: one for builders, one for people.

Layer 6. Tests: tests/functional/assembly.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.web.resource import Resource
from twisted.web.server import Request

from buildfarm.assembly.certificates import certificate_fault
from buildfarm.assembly.endpoints import with_backlog
from buildfarm.assembly.ground import Ground
from buildfarm.assembly.live import LiveFarm
from buildfarm.depwait.stage import DepWaits
from buildfarm.filestore.guesses import Guesses
from buildfarm.filestore.published import PublishedResource
from buildfarm.filestore.resource import FilesResource
from buildfarm.flow.boundedsite import BoundedSite
from buildfarm.identity.doorkeeper import Doorkeeper
from buildfarm.identity.exchange import Exchange
from buildfarm.identity.gate import Gate
from buildfarm.identity.logins import Logins
from buildfarm.statuspage.builds import Builds, Files
from buildfarm.statuspage.pages import StatusPages
from buildfarm.storage.archives import archive_named, archives
from buildfarm.uploads.published import published_directory
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.health import Health
from buildfarm.webservice.catalogue import web_service
from buildfarm.webservice.context import Farm
from buildfarm.webservice.exchange import AccessToken, RequestToken
from buildfarm.webservice.receiving import Receiving
from buildfarm.webservice.site import VERSIONS, ServiceResource


class ForBuilders(Resource):
    """Private archives below `/archive/`, and files everywhere else."""

    def __init__(self, files: FilesResource, private: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.files = files
        self.putChild(b"archive", private)

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: N802 - Twisted's name
        """The files, which want the whole path."""
        request.postpath = [path, *(request.postpath or ())]
        return self.files


def for_builders(ground: Ground) -> ForBuilders:
    """Chroots and sources of the builds that run, and private archives for theirs."""
    limit = ground.settings.files.max_downloads
    guesses = Guesses(ground.reactor.seconds)
    passes = ground.passes

    async def may_read(sha256: str, user: str, token: str) -> bool:
        await passes.when_known()
        return passes.may_read(sha256, user, token)

    async def find_private(name: str, user: str, token: str) -> Path | None:
        await passes.when_known()
        archive = passes.private_archive(name, user, token)
        return None if archive is None else published_directory(archive)

    files = FilesResource(
        ground.reactor, ground.store, ground.workers, may_read, limit, guesses=guesses
    )
    private = PublishedResource(
        ground.reactor, ground.workers, find_private, limit, guesses=guesses
    )
    return ForBuilders(files, private)


def receive_sources(ground: Ground, min_free: Callable[[], int]) -> Receiving:
    """What takes source packages as uploads; `min_free` bytes stay free on their disk."""
    settings = ground.settings
    return Receiving(ground.workers, settings.store_dir, settings.web.max_uploads, min_free)


def _web_farm(
    ground: Ground,
    live: LiveFarm,
    receiving: Receiving,
    health: Callable[[], Awaitable[Health]],
    dep_waits: DepWaits,
) -> Farm:
    """What the web service is told of the farm."""
    return Farm(
        reactor=ground.reactor,
        storage=ground.storage,
        store=ground.store,
        workers=ground.workers,
        receiving=receiving,
        live=live,
        health=health,
        retry_dep_waiting=dep_waits.retry_now,
        utc_now=ground.utc_now,
    )


def _builds(ground: Ground, gate: Gate, live: LiveFarm) -> Builds:
    """The pages of builds."""
    settings = ground.settings
    files = Files(
        ground.store,
        ground.workers,
        settings.spool_dir,
        settings.manager.state_dir,
        settings.gather.max_log_bytes,
    )
    return Builds(ground.reactor, ground.storage, gate, ground.utc_now, live=live, files=files)


def for_people(
    ground: Ground,
    doorkeeper: Doorkeeper,
    live: LiveFarm,
    receiving: Receiving,
    *,
    health: Callable[[], Awaitable[Health]],
    dep_waits: DepWaits,
) -> StatusPages:
    """The status page, the archives that everybody may read, and the web service.

    `health` says whether the manager is well.
    """

    async def find_public(name: str, user: str, password: str) -> Path | None:
        try:
            archive = await ground.storage.read(archive_named, name)
        except Refused:
            return None
        return None if archive.private else published_directory(archive)

    async def find_names() -> Sequence[str]:
        every = await ground.storage.read(archives)
        return [one.name for one in every if not one.private and published_directory(one)]

    published = PublishedResource(
        ground.reactor, ground.workers, find_public, find_names=find_names
    )
    gate = Gate(doorkeeper, ground.settings.web.proxies)
    exchange = Exchange(ground.reactor.seconds, ground.storage, ground.utc_now)
    lasts = timedelta(seconds=ground.settings.web.session_lasts)
    logins = Logins(ground.storage, doorkeeper, lasts, ground.utc_now)
    pages = StatusPages(
        ground.reactor,
        ground.storage,
        gate,
        ground.utc_now,
        live,
        logins=logins,
        exchange=exchange,
        builds=_builds(ground, gate, live),
    )
    put: Any = pages.root.putChild
    put(b"archive", published)
    service = ServiceResource(
        web_service(_web_farm(ground, live, receiving, health, dep_waits)), gate
    )
    for version in VERSIONS:
        put(version.encode(), service)
    put(b"+request-token", RequestToken(exchange, gate))
    put(b"+access-token", AccessToken(exchange, gate))
    return pages


async def listening(
    reactor: Any,
    address: str,
    resource: Resource,
    *,
    max_body: int = 0,
    max_upload: int = 0,
    answered: Callable[[int], object] = lambda status: None,
) -> Any:
    """A port that serves `resource` at `address`, and takes bodies of so many bytes.

    Files that are uploaded to the web service have `max_upload` together; `answered` is told the
    status of each answer. Raises CannotListenError, and ValueError where the key or certificate
    of `address` cannot be used.
    """
    if fault := certificate_fault(address):
        raise ValueError(fault)
    site: Any = BoundedSite(
        resource,
        reactor=reactor,
        max_body=max_body,
        max_stream=max_upload,
        streamed=VERSIONS,
        answered=answered,
    )
    return await serverFromString(reactor, with_backlog(address)).listen(site)
