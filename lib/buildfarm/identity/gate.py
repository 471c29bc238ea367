"""Requests at the gate: where one came from, by which name it reached us, and who asks.

Behind a reverse proxy, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-For` count, and
only where the proxy's address is one of `[web] proxies`.

Layer 4. Tests: tests/unit/identity/test_gate.py.
"""

import re
from collections.abc import Collection
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from buildfarm.identity import sessions
from buildfarm.identity.doorkeeper import Doorkeeper, TooManyAttempts, WrongToken
from buildfarm.identity.oauth import from_header
from buildfarm.identity.proxies import Proxies
from buildfarm.identity.secrets import parted
from buildfarm.identity.sessions import NO_SESSION, Session
from buildfarm.vocab.access import ANYBODY, Visitor
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.people import TokenKind

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


class TurnedAway(FarmError):
    """A request is not let in: what it is answered with, and `str()` of it is the sentence."""

    def __init__(
        self, status: HTTPStatus, sentence: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


class Gate:
    """Knows where a request came from, by which name, and who asks.

    A request is Twisted's. What may not come in raises TurnedAway.
    """

    def __init__(self, doorkeeper: Doorkeeper, proxies: Collection[str]) -> None:
        self._doorkeeper = doorkeeper
        self._proxies = Proxies(proxies)

    def origin(self, request: Any) -> str:
        """The scheme and host by which the client reached us, such as `https://farm.example`.

        Raises TurnedAway where the request names no host that could be one.
        """
        secure, host = request.isSecure(), request.getHeader("host") or ""
        if _peer(request) in self._proxies:
            secure = request.getHeader("x-forwarded-proto") == "https" or secure
            host = request.getHeader("x-forwarded-host") or host
        if not _is_host(host):
            raise TurnedAway(HTTPStatus.BAD_REQUEST, "The Host header names no host.")
        return f"{'https' if secure else 'http'}://{host}"

    def address(self, request: Any) -> str:
        """Whom to hold wrong tokens against: the last hop that is not one of our proxies."""
        peer = _peer(request)
        hops = [hop.strip() for hop in (request.getHeader("x-forwarded-for") or "").split(",")]
        while peer in self._proxies and hops and hops[-1]:
            peer = hops.pop()
        return peer

    async def visitor(self, request: Any) -> Visitor:
        """Who asks, by the OAuth token of an Authorization header; anybody without one.

        Raises TurnedAway for a token that is not good, StorageError.
        """
        header = request.getHeader("authorization")
        if not header:
            return ANYBODY
        signed = from_header(header)
        if signed is None:
            sentence = "Use OAuth with PLAINTEXT, or no token at all."
            raise TurnedAway(HTTPStatus.UNAUTHORIZED, sentence)
        if signed.is_anonymous:
            return ANYBODY
        try:
            return await self._known(request, TokenKind.ACCESS, signed.token, signed.secret)
        except WrongToken as error:
            # These words have launchpadlib ask its user for a new token.
            raise TurnedAway(HTTPStatus.UNAUTHORIZED, "Unknown access token.") from error

    async def session(self, request: Any) -> Session:
        """The session that the request's cookie names; for scripts, what their token makes of them.

        A token has no forms: it makes a session without a word for them. A cookie of a session
        that has ended makes nobody of its bearer, and is taken back from the browser with the
        answer. Raises TurnedAway, StorageError.
        """
        if request.getHeader("authorization"):
            return Session(await self.visitor(request))
        origin = self.origin(request)
        cookie = request.getCookie(sessions.cookie_name(origin).encode())
        if not cookie:
            return NO_SESSION
        key, secret = parted(cookie.decode("latin-1"))
        try:
            visitor = await self._known(request, TokenKind.SESSION, key, secret)
        except WrongToken:
            request.setHeader("set-cookie", sessions.no_cookie(origin))
            return NO_SESSION
        return Session(visitor, sessions.csrf_word(secret), key)

    async def either(self, request: Any) -> Visitor:
        """Who asks, by a token or by a session. Raises TurnedAway, StorageError."""
        return (await self.session(request)).visitor

    def require_own_form(self, request: Any, session: Session, word: str) -> None:
        """Raises TurnedAway unless a page of ours, shown in `session`, has sent this form.

        `word` is what the form brings as `csrf`.
        """
        self.require_own_site(request)
        if not sessions.is_word_of(session, word):
            raise TurnedAway(
                HTTPStatus.FORBIDDEN,
                "This form is not of your session, which may have ended: log in, and try again.",
            )

    def require_own_site(self, request: Any) -> None:
        """Raises TurnedAway where the browser says that another site has sent this form."""
        site, origin = request.getHeader("sec-fetch-site"), request.getHeader("origin")
        # Browsers tell the first over TLS and on the machine itself only; scripts tell neither.
        if site is not None:
            own = site in ("same-origin", "none")
        else:
            own = origin is None or origin == self.origin(request)
        if not own:
            raise TurnedAway(HTTPStatus.FORBIDDEN, "Another site has sent this form.")

    async def _known(self, request: Any, kind: TokenKind, key: str, secret: str) -> Visitor:
        try:
            return await self._doorkeeper.visitor(kind, key, secret, self.address(request))
        except TooManyAttempts as error:
            wait = {"Retry-After": str(int(error.wait) + 1)}
            raise TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, str(error), wait) from error


def _is_host(host: str) -> bool:
    """Whether it may stand in an address, and can be read out of that again."""
    try:
        parts = urlsplit(f"//{host}")
        if host.startswith("["):
            IPv6Address(parts.hostname or "")
        port = parts.port
    except ValueError:  # a port beyond 65535, or no address between brackets
        return False
    return port != 0 and _HOST.fullmatch(host) is not None


def _peer(request: Any) -> str:
    """The address at the other end of the connection; empty over a socket of this machine."""
    return str(getattr(request.getClientAddress(), "host", ""))
