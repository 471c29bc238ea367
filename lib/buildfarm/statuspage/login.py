"""Logging in by a link, logging out, and the tokens that act for whoever has logged in.

    /+login     shows a button for the link it is given, or says how to get one
    /+logout    ends the session
    /+tokens    lists tokens and sessions, and revokes them

A link is used by the form's POST alone, so that nothing that only looks at it uses it up.

Layer 5. Tests: tests/functional/statuspage/test_login.py.
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from buildfarm.identity import sessions
from buildfarm.identity.doorkeeper import TooManyAttempts, WrongToken
from buildfarm.identity.logins import Logins
from buildfarm.statuspage.answers import Answer, Declined, View, see_other
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.vocab.errors import Refused

#: What is shown to one person at one moment is kept nowhere.
NO_STORE = {"Cache-Control": "no-store"}

_NO_LINK = "This link has been used, is too old, or is not whole. Ask for a new one."


class LoginPages:
    """The pages of whoever logs in."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self.routes = (
            Route("/+login", self.show, self.log_in, for_strangers=True),
            Route("/+logout", self.show, self.log_out),
            Route("/+tokens", self.show_tokens, self.revoke),
        )

    async def show(self, visit: Visit) -> Answer:
        """Whose link this is, with a button; without a link, how to get one."""
        link, after = visit.query.get("link", ""), own_path(visit.query.get("next", ""))
        if not link:
            return login_view(after)
        try:
            person = await self._logins.whose(link, visit.address)
        except WrongToken:
            return login_view(after, error=_NO_LINK)
        except TooManyAttempts as error:
            raise _too_many(error) from error
        return login_view(after, link=link, person=person)

    async def log_in(self, visit: Visit) -> Answer:
        """Begin a session, and go on to where the visitor wanted to be."""
        after = own_path(visit.form.get("next", ""))
        try:
            session = await self._logins.log_in(_link(visit.form.get("link", "")), visit.address)
        except (WrongToken, Refused):
            return login_view(after, error=_NO_LINK)
        except TooManyAttempts as error:
            raise _too_many(error) from error
        if visit.visitor.person is not None:
            await self._logins.log_out(visit.session)
        cookie = sessions.cookie(visit.origin, session, self._logins.lasts)
        return see_other(after or "/", {"Set-Cookie": cookie, **NO_STORE})

    async def log_out(self, visit: Visit) -> Answer:
        """End the session, here and in its browser."""
        await self._logins.log_out(visit.session)
        return see_other("/", {"Set-Cookie": sessions.no_cookie(visit.origin), **NO_STORE})

    async def show_tokens(self, visit: Visit) -> Answer:
        """What acts for whoever looks."""
        if visit.visitor.person is None:
            return login_view("/+tokens")
        found = await self._logins.tokens(visit.session)
        return View("tokens.html", {"tokens": found}, headers=NO_STORE)

    async def revoke(self, visit: Visit) -> Answer:
        """End one of those. Raises Declined, Refused."""
        token = visit.form.get("token", "")
        if not (token.isascii() and token.isdigit() and len(token) < 19):
            raise Declined(HTTPStatus.BAD_REQUEST, "The form names no token.")
        await self._logins.revoke(visit.session, int(token))
        return see_other("/+tokens")


def login_view(after: str, *, link: str = "", person: str = "", error: str = "") -> View:
    """The page to log in by; `after` is where the visitor wants to be then."""
    values: Mapping[str, str] = {"after": after, "link": link, "person": person, "error": error}
    status = HTTPStatus.FORBIDDEN if error else HTTPStatus.OK
    return View("login.html", values, status, NO_STORE)


def own_path(path: str) -> str:
    """`path` if it is one of ours, or nothing: nobody is led elsewhere by a link to us."""
    own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if own and path.isascii() and path.isprintable() else ""


def _link(given: str) -> str:
    """The word of a link, of which somebody may have pasted the whole address."""
    given = given.strip()
    try:
        return parse_qs(urlsplit(given).query).get("link", [given])[0]
    except ValueError:
        return given


def _too_many(error: TooManyAttempts) -> Declined:
    wait = {"Retry-After": str(int(error.wait) + 1)}
    return Declined(HTTPStatus.TOO_MANY_REQUESTS, str(error), wait)
