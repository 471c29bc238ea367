"""Where a builder listens, from its URL.

Layer 3. Tests: tests/unit/builders/test_address.py.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint

from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HTTP_PORT = 80


class Endpoint(Protocol):
    """Twisted's `IStreamClientEndpoint`, as a type that a checker can follow."""

    def connect(self, factory: Any, /) -> Deferred[Any]:
        """Connect a protocol that `factory` builds; fires with it."""
        ...


@dataclass(frozen=True, slots=True)
class BuilderAddress:
    """`http://host:port[/prefix]` taken apart; `prefix` is empty or begins with a slash."""

    url: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "BuilderAddress":
        """The parts of `url`; raises Refused where no builder can be at it, saying why."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise Refused(f"{one_line(url)!r} is not a URL: {error}.") from error
        prefix = parts.path.rstrip("/")
        plain = parts.scheme == "http" and not (parts.query or parts.fragment)
        if not plain or "@" in parts.netloc or not _PREFIX.fullmatch(prefix):
            raise Refused(
                f"A builder cannot be at {one_line(url)!r}: give http://host:port, perhaps with a "
                "plain path, and no user, query or fragment."
            )
        if not _HOST.fullmatch(host) or port == 0:
            raise Refused(f"{one_line(url)!r} names no host and port that can be connected to.")
        return cls(url.rstrip("/"), host, _HTTP_PORT if port is None else port, prefix)

    @property
    def netloc(self) -> str:
        """Host and port as the HTTP header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def buildd_name(self) -> str:
        """The first label of the host: what the reset infrastructure calls this builder."""
        return self.host if isIPAddress(self.host) else self.host.partition(".")[0]

    def endpoint(self, reactor: Any, timeout: float) -> Endpoint:
        """Where to connect to; a name is looked up by the reactor, in its threads, each time."""
        if isIPAddress(self.host):
            return TCP4ClientEndpoint(reactor, self.host, self.port, timeout)
        if isIPv6Address(self.host):
            return TCP6ClientEndpoint(reactor, self.host, self.port, timeout)
        return HostnameEndpoint(reactor, self.host, self.port, timeout)
