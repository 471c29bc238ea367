"""An HTTP server that daemons under test fetch their inputs from.

Beside the layers; used by the contract suite.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fixtures import Fixture
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.flow.quietsite import QuietSite

#: Who may fetch what is served below /private/.
USER, PASSWORD = "buildd", "sesame"


@dataclass
class Asked:
    """One request: its path, and the credentials that came with it."""

    path: str
    user: str


@dataclass
class InputServer(Fixture):
    """Serves what is added to it at a free port of 127.0.0.1; `asked` are the requests so far.

    Below /private/ it asks for USER and PASSWORD; what is below /held/ comes once `release` was
    called, which clean-up does as well. Below /moved/ it redirects to the file, and from /cut/ it
    sends less of a file than it announces.
    """

    reactor: Any
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._held: list[Callable[[], None]] | None = []
        self.url = ""

    def _setUp(self) -> None:
        site = QuietSite(_InputResource(self))
        port = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{port.getHost().port}"
        self.addCleanup(port.stopListening)
        self.addCleanup(self.release)

    def add(self, content: bytes) -> str:
        """Serve `content` under its SHA-1, which is returned."""
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.files[sha1] = content
        return sha1

    def hold(self, send: Callable[[], None]) -> None:
        """Call `send` once what is held may go."""
        if self._held is None:
            send()
        else:
            self._held.append(send)

    def release(self) -> None:
        """Send what is being held, and hold nothing more."""
        held, self._held = self._held, None
        for send in held or []:
            send()


class _InputResource(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, server: InputServer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._server = server

    def render_GET(self, request: Request) -> Any:
        path = request.path.decode("ascii")
        user = request.getUser().decode()
        self._server.asked.append(Asked(path, user))
        *folders, name = path.strip("/").split("/")
        if "private" in folders and (user, request.getPassword().decode()) != (USER, PASSWORD):
            request.setResponseCode(401)
            request.setHeader(b"WWW-Authenticate", b'Basic realm="inputs"')
            return b""
        if name not in self._server.files:
            request.setResponseCode(404)
            return b""
        content = self._server.files[name]
        if "moved" in folders:
            request.redirect(f"/{name}".encode())
            return b""
        if "cut" in folders:
            request.setHeader(b"Content-Length", b"%d" % (len(content) + 1))
            request.write(content)
            request.loseConnection()
            return NOT_DONE_YET
        if "held" not in folders:
            return content
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def send() -> None:
            if not gone:
                request.write(content)
                request.finish()

        self._server.hold(send)
        return NOT_DONE_YET
