"""A listener on a free port, and a client in a thread that sees exactly what is sent."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection

from twisted.internet.defer import ensureDeferred
from twisted.web.resource import IResource
from twisted.web.server import Site

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers


@dataclass(frozen=True)
class Answer:
    """What a client got; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class ListenerTestCase(FarmTestCase):
    """Serves resources on 127.0.0.1, with file threads of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.workers = Workers(self.reactor, size=4, bound=100, name="file")
        self.clients = Workers(self.reactor, size=16, bound=100, name="client")
        for workers in (self.workers, self.clients):
            self.addCleanup(lambda workers=workers: ensureDeferred(workers.stop(10)))

    def listen(self, resource: IResource) -> int:
        """Serve `resource` at the root of a free port, and say which."""
        port = self.reactor.listenTCP(0, Site(resource), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def get(
        self, port: int, path: str, method: str = "GET", source: str = "127.0.0.1", **headers: str
    ) -> Answer:
        """Ask for `path` on a connection of its own; headers are named with underscores."""
        return await self.clients.run(fetch, port, path, method, headers, source)


def fetch(
    port: int, path: str, method: str, headers: dict[str, str], source: str = "127.0.0.1"
) -> Answer:
    """One request from the address `source`, in a thread."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=sent)
        response = connection.getresponse()
        body = response.read()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, body)
    finally:
        connection.close()


def ask_and_wait(port: int, path: str) -> socket.socket:
    """A connection that asked for `path` and has taken nothing of the answer; in a thread."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: files\r\nConnection: close\r\n\r\n".encode())
    return client


def take_all(client: socket.socket) -> bytes:
    """All that the connection still has to give, until it is closed; in a thread."""
    with client:
        received = bytearray()
        while piece := client.recv(2**20):
            received += piece
        return bytes(received)


def send_form(
    port: int, path: str, form: str, cookie: str = "", more: Mapping[str, str] | None = None
) -> Answer:
    """Post an encoded form, with `more` headers, in a thread."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **(more or {})}
        if cookie:
            headers["Cookie"] = cookie
        connection.request("POST", path, form.encode(), headers)
        response = connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, response.read())
    finally:
        connection.close()
