"""The web service over HTTP, whatever it offers: here a house with doors."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from testtools.matchers import Contains, StartsWith
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource

from buildfarm.assembly.listeners import listening
from buildfarm.identity.gate import Gate
from buildfarm.vocab.errors import StorageError
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.declarations import (
    REDACTED,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
    Service,
)
from buildfarm.webservice.exchange import RequestToken
from buildfarm.webservice.routes import Route
from buildfarm.webservice.service import WebService
from buildfarm.webservice.site import MAX_BODY, VERSIONS, ServiceResource
from tests.functional.webservice.cases import RELEASES, ClientTestCase

#: What a server may answer with, and what launchpadlib makes of it.
ERRORS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "ClientError",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "ClientError",
    415: "ClientError",
    429: "ClientError",
    500: "ServerError",
}


class House:
    """Doors, of which one is there; it is busy once."""

    def __init__(self, *more: Field) -> None:
        self.is_busy = True
        fields = (
            Field("name", lambda name: name, "Its name."),
            Field("code", lambda name: REDACTED, "Not for everybody."),
            Field("keeper", lambda name: REDACTED, "Nor this.", Kind.LINK, "person"),
            *more,
        )
        operations = (
            Operation("open", self.open, "Try.", (Parameter("status", "How.", Kind.INTEGER),)),
            Operation("knock", self.knock, "Be patient."),
            Operation("force", self.force, "Break it."),
        )
        door = EntryType("door", "A door.", lambda name: f"doors/{name}", fields)
        who = Field("name", lambda name: name, "Who.")
        person = EntryType("person", "Somebody.", lambda name: f"~{name}", (who,))
        doors = CollectionType("doors", "The doors.", "door", operations)
        routes = (
            Route("doors", self.every, collection=doors, target="door"),
            Route("doors/*", self.find, door),
        )
        service = Service.of((door, person), (doors,))
        clock: Any = Clock()
        self.service = WebService(clock, service, routes, lambda visitor: visitor)

    async def every(self, _visitor: Any, _wanted: Batch) -> Page:
        """All doors."""
        return Page(("front",), 1)

    async def find(self, _visitor: Any, name: str) -> str | None:
        """The one door."""
        return name if name == "front" else None

    async def open(self, _visitor: Any, _none: None, status: int) -> None:
        """It does not open."""
        raise Denied(status, "It does not open.")

    async def knock(self, _visitor: Any, _none: None) -> str:
        """The database is away the first time."""
        self.is_busy = not self.is_busy
        if not self.is_busy:
            raise StorageError("the database is away")
        return "come in"

    async def force(self, _visitor: Any, _none: None) -> None:
        """What is a fault of ours."""
        raise ZeroDivisionError


class SiteTestCase(ClientTestCase):
    """Serves a house on a port."""

    async def setUp(self) -> None:
        super().setUp()
        self.site = Resource()
        self.build(House())
        port = await listening(
            self.reactor, "tcp:0:interface=127.0.0.1", self.site, max_body=MAX_BODY + 100
        )
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        self.root = f"http://127.0.0.1:{self.port}/"

    def build(self, house: House) -> None:
        """Serve this house from now on."""
        nobody_comes: Any = None
        service = ServiceResource(house.service, Gate(nobody_comes, ()))
        for version in VERSIONS:
            self.site.putChild(version.encode(), service)

    async def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        def asking() -> tuple[int, dict[str, str], bytes]:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request(method, path, body or None, sent)
                response = connection.getresponse()
                found = {name.lower(): value for name, value in response.getheaders()}
                return response.status, found, response.read()
            finally:
                connection.close()

        return await deferToThread(asking)


class ClientTests(SiteTestCase):
    """By every release of launchpadlib."""

    async def doors(self, release: str, statuses: Sequence[int] = (), **env: str) -> Any:
        """What a client sees."""
        return await self.script(release, "doors", self.root, *map(str, statuses), **env)

    async def test_errors(self) -> None:
        """Each status is the exception that scripts expect; the database away is tried again.

        What is not for this visitor is redacted, and a link to it leads to a clear message.
        """
        for release in RELEASES:
            found = await self.doors(release, tuple(ERRORS))
            self.assertEqual({str(code): name for code, name in ERRORS.items()}, found["errors"])
            self.assertEqual("come in", found["busy once"])
            code, complaint = found["hidden"]
            self.assertEqual("tag:launchpad.net:2008:redacted", code)
            self.assertThat(complaint, Contains("don't have the server-side permission"))

    async def test_an_upgrade_is_noticed(self) -> None:
        """A client with a cached description sees a field that was added since."""
        for release in RELEASES:
            self.build(House())
            cache = str(self.make_directory())
            before = await self.doors(release, cache=cache)
            self.assertEqual(["code", "keeper", "name"], before["fields"])
            self.build(House(Field("colour", lambda name: "red", "New.")))
            after = await self.doors(release, cache=cache)
            self.assertEqual(["code", "colour", "keeper", "name"], after["fields"])


class HttpTests(SiteTestCase):
    async def test_versions(self) -> None:
        """Each has its own links; there is nothing besides."""
        for version in VERSIONS:
            status, headers, body = await self.ask("GET", f"/{version}/doors/front")
            self.assertEqual((200, "application/json"), (status, headers["content-type"]))
            own = f"{self.root}{version}/doors/front"
            self.assertEqual(own, json.loads(body)["self_link"])
        self.assertEqual(404, (await self.ask("GET", "/2.0/doors/front"))[0])

    async def test_links_have_the_name_that_was_used(self) -> None:
        """Whoever came by a name stays with it; what is no name is refused."""
        _, _, body = await self.ask("GET", "/devel/doors/front", Host="farm.example:81")
        self.assertThat(json.loads(body)["self_link"], StartsWith("http://farm.example:81/devel/"))
        status, _, body = await self.ask("GET", "/devel/", Host='a"b')
        self.assertEqual((400, b"The Host header names no host."), (status, body))

    async def test_head(self) -> None:
        """The same headers as for a GET, and no body."""
        _, wanted, body = await self.ask("GET", "/devel/doors/front")
        status, headers, nothing = await self.ask("HEAD", "/devel/doors/front")
        self.assertEqual((200, b"", str(len(body))), (status, nothing, headers["content-length"]))
        self.assertEqual(wanted["etag"], headers["etag"])

    async def test_bodies_are_bounded(self) -> None:
        """One that is too long is refused with a sentence."""
        status, _, body = await self.ask("POST", "/devel/doors", b"x" * (MAX_BODY + 1))
        self.assertEqual(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, status)
        self.assertThat(body, StartsWith(b"At most"))

    async def test_too_many_arguments(self) -> None:
        """They are refused with a sentence, in an address as in a form."""
        many = "&".join(f"a{number}=1" for number in range(101))
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        for status, _, body in (
            await self.ask("GET", f"/devel/doors?{many}"),
            await self.ask("POST", "/devel/doors", many.encode(), **form),
        ):
            self.assertEqual((400, b"At most 100 arguments are taken."), (status, body))

    async def test_tokens_that_are_none(self) -> None:
        """Another way of logging in is refused in words that do not look like a bad token."""
        status, _, body = await self.ask("GET", "/devel/", Authorization="Basic YW5uOnB3")
        self.assertEqual(401, status)
        self.assertThat(body, StartsWith(b"Use OAuth"))

    async def test_faults_of_ours(self) -> None:
        """They are logged, and told without details."""
        status, _, body = await self.ask("GET", "/devel/doors?ws.op=force")
        self.assertEqual((500, b"The farm has failed to answer."), (status, body))
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        nobody_comes: Any = None
        self.site.putChild(b"+request-token", RequestToken(nobody_comes, Gate(nobody_comes, ())))
        form = b"oauth_consumer_key=x&oauth_signature=%26"
        status, _, body = await self.ask("POST", "/+request-token", form)
        self.assertEqual((500, b"The farm has failed to answer."), (status, body))
        self.assertEqual(1, len(self.flush_logged_errors(AttributeError)))

    async def test_the_database_is_away(self) -> None:
        """503, which clients try again after."""
        status, _, body = await self.ask("GET", "/devel/doors?ws.op=knock")
        self.assertEqual(HTTPStatus.SERVICE_UNAVAILABLE, status)
        self.assertThat(body, StartsWith(b"The farm's database cannot be used now"))
