"""A receiver of webhooks for tests: it keeps what it is sent, and answers as it is told.

Beside the layers; for tests/functional/notifying.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from buildfarm.farmtesting.cases import FarmTestCase


@dataclass(frozen=True, slots=True)
class Hook:
    """One request, with its headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class HookServer(Resource):
    """A server in the test's reactor. `codes` are its next answers, and 204 after these.

    A code of 0 is no answer at all, 1 an answer without end. `location` is where a redirect leads.
    """

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, test: FarmTestCase) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.hooks: list[Hook] = []
        self.codes: list[int] = []
        self.location = ""
        self._test = test
        self._site: Any = Site(self)
        self.url = ""

    async def start(self, certificate: Path | None = None, key: Path | None = None) -> None:
        """Listen until the test ends, with TLS if there is a certificate."""
        reactor = self._test.reactor
        endpoint: Any
        if certificate is None:
            scheme, endpoint = "http", TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        else:
            context = DefaultOpenSSLContextFactory(str(key), str(certificate))
            scheme = "https"
            endpoint = SSL4ServerEndpoint(reactor, 0, context, interface="127.0.0.1")
        port = await endpoint.listen(self._site)
        self._test.addCleanup(port.stopListening)
        self.url = f"{scheme}://127.0.0.1:{port.getHost().port}/hook"

    def render_POST(self, request: Any) -> Any:
        """Keep it, and answer."""
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.hooks.append(Hook(request.path.decode(), headers, request.content.read()))
        code = self.codes.pop(0) if self.codes else 204
        request.notifyFinish().addErrback(lambda failure: None)
        if code == 0:
            return NOT_DONE_YET
        if code == 1:
            self._flood(request)
            return NOT_DONE_YET
        request.setResponseCode(code)
        if self.location:
            request.setHeader("Location", self.location)
        return b"" if code == 204 else b"what it says\x1b[2J" + b"." * 10_000

    def render_GET(self, request: Any) -> bytes:
        """What a redirect that was followed would come to."""
        self.hooks.append(Hook(request.path.decode(), {}, b""))
        return b""

    def _flood(self, request: Any) -> None:
        request.setResponseCode(500)
        flood = LoopingCall(request.write, b"." * 100_000)
        request.notifyFinish().addErrback(lambda failure: flood.stop())
        flood.start(0.01)
