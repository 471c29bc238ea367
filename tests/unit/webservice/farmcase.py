"""The web service over a database, without sockets and threads."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from buildfarm.storage import people
from buildfarm.storage.acts import Committed
from buildfarm.vocab.access import BUILDD_ADMINS, AccessLevel, Visitor
from buildfarm.vocab.health import Health
from buildfarm.webservice.answers import Reply
from buildfarm.webservice.catalogue import web_service
from buildfarm.webservice.forms import Form
from buildfarm.webservice.requests import Asked
from tests.unit.storage.cases import StorageTestCase

ROOT = "http://farm.test:8085/devel/"

MODERATOR = Visitor("ann", frozenset({BUILDD_ADMINS}), AccessLevel.ADMINISTER)


class _Storage:
    """As the transactor, in the test's own thread."""

    def __init__(self, case: StorageTestCase) -> None:
        self._case = case
        #: What another does between a request's look at the farm and its act.
        self.before_write: Callable[[], object] = lambda: None

    async def read(self, query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The answer of a query."""
        return self._case.ask(query, *args, **kwargs)

    async def write(self, act: Callable[..., Committed[Any]], *args: Any, **kwargs: Any) -> Any:
        """Carry out an act, after what another does first."""
        self.before_write()
        return self._case.act(act, *args, **kwargs)


class _Live:
    """Scanners that report nothing."""

    def pauses(self) -> tuple[str, ...]:
        """Dispatch goes on."""
        return ()

    def troubles(self) -> dict[int, str]:
        """No builder fails."""
        return {}


class _Receiving:
    """Forms that are there at once, and are empty."""

    def __init__(self) -> None:
        self.received = 0

    @asynccontextmanager
    async def receiving(self, *_args: Any) -> Any:
        """The form, which is counted."""
        self.received += 1
        yield Form({"ws.op": "submitSource"})


async def _health() -> Health:
    return Health()


async def _retry_nothing(_archive_id: int) -> tuple[()]:
    return ()


class FarmServiceTestCase(StorageTestCase):
    """A farm with one thing of each kind, and its web service.

    The archive `secret` is private; build 1 is of `main`, and was claimed by bob, build 2 waits in
    `secret`.
    """

    def setUp(self) -> None:
        super().setUp()
        self.add_archive("secret", private=True)
        for name, is_team in (("ann", False), (BUILDD_ADMINS, True)):
            self.act(people.add_person, name, name, is_team, "test", self.now())
        self.act(people.join, "ann", BUILDD_ADMINS, "test", self.now())
        self.submit()
        self.start(self.add_builder())
        self.submit("hidden", archive="secret")
        self.receiving = _Receiving()
        self.storage = _Storage(self)
        farm: Any = SimpleNamespace(
            reactor=self.clock,
            storage=self.storage,
            receiving=self.receiving,
            live=_Live(),
            health=_health,
            retry_dep_waiting=_retry_nothing,
            utc_now=self.now,
        )
        self.service = web_service(farm)

    async def request(
        self, method: str, address: str, visitor: Visitor = MODERATOR, **details: Any
    ) -> Reply:
        """The answer to a request; `address` is below the root, or a URL."""
        parts = urlsplit(address.removeprefix(ROOT))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = "/" + parts.path.lstrip("/")
        return await self.service.answer(
            Asked(method, ROOT, path, query, visitor=visitor, **details)
        )

    async def get(self, address: str, visitor: Visitor = MODERATOR) -> Any:
        """The JSON at an address."""
        reply = await self.request("GET", address, visitor)
        self.assertEqual(200, reply.status, f"{address}: {reply.body.decode()}")
        return json.loads(reply.body)

    async def patch(
        self, address: str, values: Any, visitor: Visitor = MODERATOR, **headers: str
    ) -> Reply:
        """The answer to a change."""
        sent = {"content-type": "application/json", **headers}
        body = json.dumps(values).encode()
        return await self.request("PATCH", address, visitor, headers=sent, body=body)
