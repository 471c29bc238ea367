"""Who is behind a request, where it came from, and by which name."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from buildfarm.identity.attempts import MOST
from buildfarm.identity.gate import Gate, TurnedAway
from buildfarm.identity.secrets import NewSecret
from buildfarm.identity.sessions import NO_SESSION, csrf_word
from buildfarm.vocab.access import ANYBODY
from buildfarm.vocab.people import TokenKind
from tests.unit.identity.cases import IdentityTestCase

PROXY = "192.0.2.80"


def signed(token: NewSecret) -> str:
    """The header with which launchpadlib signs a request."""
    return (
        'OAuth realm="x", oauth_consumer_key="c", oauth_signature_method="PLAINTEXT", '
        f'oauth_token="{token.key}", oauth_signature="%26{token.secret}"'
    )


class Request:
    """What the gate looks at of Twisted's requests; header names in lower case."""

    def __init__(self, peer: str = "198.51.100.7", *, tls: bool = False, **headers: str) -> None:
        self.peer = peer
        self.tls = tls
        self.headers = {"host": "farm.example", **headers}
        self.answered: dict[str, str] = {}

    def isSecure(self) -> bool:
        """Whether it came over TLS."""
        return self.tls

    def getHeader(self, name: str) -> str | None:
        """A header of the request."""
        return self.headers.get(name.replace("-", "_")) or self.headers.get(name)

    def getClientAddress(self) -> Any:
        """The other end."""
        return SimpleNamespace(host=self.peer)

    def getCookie(self, name: bytes) -> bytes | None:
        """A cookie of the request."""
        pairs = (pair.partition("=") for pair in self.headers.get("cookie", "").split("; "))
        return next((value.encode() for key, _, value in pairs if key == name.decode()), None)

    def setHeader(self, name: str, value: str) -> None:
        """A header of the answer."""
        self.answered[name] = value


class GateTestCase(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.gate = Gate(self.doorkeeper, (PROXY, "192.0.2.81"))

    def turned_away(self, call: Callable[..., Any], *args: Any) -> TurnedAway:
        """How a call at the gate ends that lets nobody in."""
        error: TurnedAway = self.assertRaises(TurnedAway, call, *args)
        return error

    async def awaited_turned_away(self, coming: Any) -> TurnedAway:
        """The same for one that is awaited."""
        try:
            await coming
        except TurnedAway as error:
            return error
        raise AssertionError("nobody was turned away")


class OriginTests(GateTestCase):
    def test_by_its_host_header(self) -> None:
        """The name that the client used, with the scheme that it came by."""
        self.assertEqual("http://farm.example", self.gate.origin(Request()))
        self.assertEqual(
            "https://[::1]:8443", self.gate.origin(Request(tls=True, host="[::1]:8443"))
        )

    def test_behind_a_proxy(self) -> None:
        """What the client used is what our proxy says, and nobody else."""
        said = {"x_forwarded_proto": "https", "x_forwarded_host": "builds.example"}
        self.assertEqual("https://builds.example", self.gate.origin(Request(PROXY, **said)))
        self.assertEqual("http://farm.example", self.gate.origin(Request(**said)))
        self.assertEqual("http://farm.example", self.gate.origin(Request(PROXY)))

    def test_names_that_are_none(self) -> None:
        """They would be written into every link."""
        numbers = "x:99999", "x:0", "[::::]", "[1.2.3.4]"
        for host in ("", "a b", "evil/path", "x@y", '"><script>', "a" * 300, *numbers):
            error = self.turned_away(self.gate.origin, Request(host=host))
            self.assertEqual((400, "The Host header names no host."), (error.status, str(error)))


class AddressTests(GateTestCase):
    def test_the_last_hop_that_is_not_ours(self) -> None:
        """A client can send a header of its own, which our proxies add to."""
        hops = "203.0.113.1, 198.51.100.9, 192.0.2.81"
        self.assertEqual("198.51.100.9", self.gate.address(Request(PROXY, x_forwarded_for=hops)))
        self.assertEqual("198.51.100.7", self.gate.address(Request(x_forwarded_for=hops)))
        self.assertEqual(PROXY, self.gate.address(Request(PROXY)))

    def test_without_an_address(self) -> None:
        """Over a socket of the machine there is none."""
        request = Request()
        request.getClientAddress = lambda: SimpleNamespace(name="/run/web")  # type: ignore[method-assign]
        self.assertEqual("", self.gate.address(request))


class TokenTests(GateTestCase):
    def signed(self, token: NewSecret, **more: str) -> Request:
        """A request as launchpadlib signs it."""
        return Request(authorization=signed(token), **more)

    async def test_by_a_token(self) -> None:
        """Its person; without one, or with an empty one, anybody."""
        self.assertEqual("ann", (await self.gate.visitor(self.signed(self.issue()))).person)
        self.assertEqual(ANYBODY, await self.gate.visitor(Request()))
        self.assertEqual(ANYBODY, await self.gate.visitor(self.signed(NewSecret("", ""))))

    async def test_not_by_another(self) -> None:
        """Words that have launchpadlib ask for a new one; a session's secret is no token."""
        for token in (
            NewSecret(self.issue().key, "0" * 64),
            self.issue(expires=self.now()),
            self.issue(TokenKind.SESSION),
        ):
            error = await self.awaited_turned_away(self.gate.visitor(self.signed(token)))
            self.assertEqual((401, "Unknown access token."), (error.status, str(error)))
        error = await self.awaited_turned_away(
            self.gate.visitor(Request(authorization="Basic YTpi"))
        )
        self.assertEqual((401, True), (error.status, "OAuth" in str(error)))

    async def test_guessing(self) -> None:
        """An address that guesses is told how long to wait, though it comes by our proxy."""
        wrong = NewSecret(self.issue().key, "0")
        for _ in range(MOST):
            await self.awaited_turned_away(self.gate.visitor(self.signed(wrong)))
        error = await self.awaited_turned_away(self.gate.visitor(self.signed(wrong)))
        self.assertEqual((429, {"Retry-After": "61"}), (error.status, error.headers))
        through = self.signed(self.issue(), x_forwarded_for="198.51.100.7")
        through.peer = PROXY
        await self.awaited_turned_away(self.gate.visitor(through))
        through.headers["x_forwarded_for"] = "198.51.100.8"
        self.assertEqual("ann", (await self.gate.visitor(through)).person)


class SessionTestCase(GateTestCase):
    """Ann has logged in."""

    def setUp(self) -> None:
        super().setUp()
        expires = self.now() + timedelta(days=1)
        self.token = self.issue(TokenKind.SESSION, expires=expires)

    def browser(self, cookie: str = "farm", **details: Any) -> Request:
        """A browser with the cookie of Ann's session."""
        return Request(cookie=f"x=y; {cookie}={self.token.joined}", **details)


class SessionTests(SessionTestCase):
    async def test_by_its_cookie(self) -> None:
        """A session has its visitor, its key, and the word of its forms."""
        session = await self.gate.session(self.browser())
        self.assertEqual(
            ("ann", csrf_word(self.token.secret), self.token.key),
            (session.visitor.person, session.csrf, session.key),
        )
        self.assertEqual(NO_SESSION, await self.gate.session(Request()))

    async def test_over_tls_only_the_cookie_of_tls(self) -> None:
        """The other may have been set by anybody between."""
        self.assertEqual(NO_SESSION, await self.gate.session(self.browser(tls=True)))
        session = await self.gate.session(self.browser("__Host-farm", tls=True))
        self.assertEqual("ann", session.visitor.person)

    async def test_one_that_has_ended(self) -> None:
        """Its bearer is anybody, and the browser is told to forget it; that is no guess."""
        self.pass_time(86_400)
        for _ in range(MOST + 1):
            request = self.browser()
            self.assertEqual(NO_SESSION, await self.gate.session(request))
        self.assertIn("farm=; Max-Age=0", request.answered["set-cookie"])

    async def test_nonsense(self) -> None:
        """So it is with what is no cookie of ours; but guessing ends."""
        for cookie in ("farm=.", "farm=\xff", "farm=a.b.c"):
            self.assertEqual(NO_SESSION, await self.gate.session(Request(cookie=cookie)))
        for _ in range(MOST):
            guess = self.gate.session(Request(cookie=f"farm={self.token.key}.guess"))
            try:
                await guess
            except TurnedAway as error:
                self.assertEqual(429, error.status)
                return
        raise AssertionError("guessing went on")

    async def test_either(self) -> None:
        """A token counts where there is one, and a bad one is not made good by a cookie.

        It sees what its person sees, and sends no forms.
        """
        token = self.issue(person="bert")
        by_token = self.browser(authorization=signed(token))
        self.assertEqual("bert", (await self.gate.either(by_token)).person)
        session = await self.gate.session(by_token)
        self.assertEqual(("bert", ""), (session.visitor.person, session.csrf))
        self.turned_away(self.gate.require_own_form, by_token, session, "")
        self.assertEqual("ann", (await self.gate.either(self.browser())).person)
        self.assertEqual(ANYBODY, await self.gate.either(Request()))
        bad = self.browser(authorization="Bearer x")
        self.assertEqual(401, (await self.awaited_turned_away(self.gate.either(bad))).status)


class FormTests(SessionTestCase):
    async def test_its_own_word(self) -> None:
        """A form brings the word of the session that it was shown in."""
        request = self.browser()
        session = await self.gate.session(request)
        self.gate.require_own_form(request, session, session.csrf)
        for word in ("", "x", csrf_word("other")):
            error = self.turned_away(self.gate.require_own_form, request, session, word)
            self.assertEqual(403, error.status)
        error = self.turned_away(self.gate.require_own_form, Request(), NO_SESSION, "")
        self.assertEqual(403, error.status)

    async def test_its_own_site(self) -> None:
        """Browsers say which page has sent a form; where they cannot, the word has to do."""
        session = await self.gate.session(self.browser())
        for headers in (
            {},
            {"sec_fetch_site": "same-origin", "origin": "https://whatever.example"},
            {"sec_fetch_site": "none"},
            {"origin": "http://farm.example"},
        ):
            self.gate.require_own_form(self.browser(**headers), session, session.csrf)
        for headers in (
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site", "origin": "http://farm.example"},
            {"origin": "http://evil.example"},
            {"origin": "https://farm.example"},
            {"origin": "null"},
        ):
            request = self.browser(**headers)
            error = self.turned_away(self.gate.require_own_form, request, session, session.csrf)
            self.assertEqual("Another site has sent this form.", str(error))
