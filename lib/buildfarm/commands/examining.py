"""One examination of a builder, with the listener that serves it a small file.

Layer 7. Tests: tests/functional/commands/test_doctor.py.
"""

import socket
from contextlib import AsyncExitStack
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.web.resource import Resource
from twisted.web.server import Request

from buildfarm.admin.doctor import CountingEndpoint, Doctor, Probe, worst
from buildfarm.admin.plain import plain
from buildfarm.builders.address import BuilderAddress
from buildfarm.builders.client import BuilderClient
from buildfarm.flow.quietsite import QuietSite
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import ScanningSettings

#: Seconds for threads to end.
_GRACE = 1.0


async def examine(
    reactor: Any, url: str, *, listen: str | None, call_timeout: float
) -> dict[str, Any]:
    """The grade and the findings, as JSON has them.

    `listen` is `ADDRESS[:PORT]`, None for our own address towards the builder; `call_timeout` is
    in seconds. Raises Refused where `url` or `listen` cannot be used.
    """
    address = BuilderAddress.parse(url)
    probe = Probe()
    async with AsyncExitStack() as stack:
        workers = Workers(reactor, 2, 16, "files")
        stack.push_async_callback(workers.stop, _GRACE)
        host, port = _place(listen)
        if host is None:
            host = await workers.run(_own_address, address.host, address.port)
        probe_url = None
        if host is not None:
            listening = _serve(reactor, probe, host, port)
            stack.push_async_callback(_stop_listening, listening)
            shown_host = f"[{host}]" if ":" in host else host
            probe_url = f"http://{shown_host}:{listening.getHost().port}/{probe.sha1}"
        settings = ScanningSettings(call_timeout=call_timeout, connect_timeout=call_timeout)
        endpoint = CountingEndpoint(address.endpoint(reactor, call_timeout))
        client = BuilderClient(reactor, url, settings, workers, endpoint)
        stack.callback(client.close)
        findings = await Doctor(client, endpoint, reactor.seconds, probe, probe_url).examine()
    return {"url": address.url, "grade": worst(findings).value, "findings": plain(findings)}


def _place(listen: str | None) -> tuple[str | None, int]:
    """Address and port of `--listen`; port 0 is any."""
    if listen is None:
        return None, 0
    host, _, port = listen.rpartition(":") if listen.count(":") == 1 else (listen, "", "0")
    if not (host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise Refused(f"{listen!r} is not of the form ADDRESS or ADDRESS:PORT.")
    return host, int(port)


def _own_address(host: str, port: int) -> str | None:
    """Our address on the way to `host`, None where there is no way. Sends nothing; asks the DNS."""
    try:
        ((family, _, _, _, target), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        with socket.socket(family, socket.SOCK_DGRAM) as probing:
            probing.connect(target)
            return str(probing.getsockname()[0])
    except OSError:
        return None


def _serve(reactor: Any, probe: Probe, host: str, port: int) -> Any:
    site = QuietSite(_OneFile(probe), reactor=reactor)
    try:
        return reactor.listenTCP(port, site, interface=host)
    except CannotListenError as error:
        raise Refused(f"Nothing can listen at {host}:{port}: {error.socketError}") from error


class _OneFile(Resource):
    """The probe, whatever is asked for."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, probe: Probe) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._probe = probe

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 - Twisted's name
        return self._probe.content


async def _stop_listening(port: Any) -> None:
    await port.stopListening()
