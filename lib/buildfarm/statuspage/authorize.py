"""`/+authorize-token`: a person says yes or no to a client that asks for a token.

launchpadlib opens it in a browser, with the key of its request in `oauth_token` and what it wants
at most in `allow_permission`, by Launchpad's names. It offers no more than that, and no more than
the person's own session allows.

Layer 5. Tests: tests/functional/statuspage/test_authorize.py.
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from buildfarm.identity.exchange import Exchange
from buildfarm.statuspage.answers import Answer, Declined, View
from buildfarm.statuspage.login import NO_STORE, login_view
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.vocab.access import AccessLevel

#: Launchpad's names of levels.
PERMISSIONS: Mapping[str, AccessLevel] = {
    "READ_PUBLIC": AccessLevel.READ,
    "READ_PRIVATE": AccessLevel.READ,
    "WRITE_PUBLIC": AccessLevel.WRITE,
    "WRITE_PRIVATE": AccessLevel.WRITE,
    "DESKTOP_INTEGRATION": AccessLevel.ADMINISTER,
}

#: What each level lets a client do, in words.
WORDS: Mapping[AccessLevel, str] = {
    AccessLevel.READ: "see what you can see",
    AccessLevel.WRITE: "also submit sources, and retry, cancel and rescore builds",
    AccessLevel.ADMINISTER: "everything you may do: also add, change and reset builders",
}

#: For how long a token can be given, with the words of the choice.
TIMES: Mapping[str, tuple[str, timedelta | None]] = {
    "hour": ("an hour", timedelta(hours=1)),
    "day": ("a day", timedelta(days=1)),
    "month": ("30 days", timedelta(days=30)),
    "year": ("a year", timedelta(days=365)),
    "always": ("until you revoke it", None),
}

#: The choice that is made already.
_USUAL_TIME = "year"


class AuthorizePage:
    """The page of one request for a token."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.routes = (Route("/+authorize-token", self.show, self.answer),)

    async def show(self, visit: Visit) -> Answer:
        """Who asks for what. Raises Refused where nobody asks any more."""
        if visit.visitor.person is None:
            return login_view(f"{visit.path}?{urlencode(visit.query)}")
        key = visit.query.get("oauth_token", "")
        asked = await self._exchange.asked(key)
        wanted = PERMISSIONS.get(visit.query.get("allow_permission", ""), AccessLevel.ADMINISTER)
        levels = [
            level
            for level in AccessLevel
            if visit.visitor.level.includes(level) and wanted.includes(level)
        ]
        values = {
            "key": key,
            "consumer": asked.consumer,
            "asked": asked.created,
            "levels": [(level.value, WORDS[level]) for level in levels],
            "times": [(name, words) for name, (words, _) in TIMES.items()],
            "usual_time": _USUAL_TIME,
        }
        return View("authorize.html", values, headers=NO_STORE)

    async def answer(self, visit: Visit) -> Answer:
        """Yes or no. Raises Declined for a form that is not ours, Refused."""
        key, said = visit.form.get("oauth_token", ""), visit.form.get("answer", "")
        asked = await self._exchange.asked(key)
        if said == "refuse":
            await self._exchange.refuse(key, visit.visitor)
        elif said == "allow":
            level, lasts = _chosen(visit.form)
            await self._exchange.approve(key, visit.visitor, level, lasts)
        else:
            raise Declined(HTTPStatus.BAD_REQUEST, "The form says neither yes nor no.")
        values = {"consumer": asked.consumer, "allowed": said == "allow"}
        return View("authorized.html", values, headers=NO_STORE)


def _chosen(form: Mapping[str, str]) -> tuple[AccessLevel, timedelta | None]:
    try:
        return AccessLevel(form.get("level", "")), TIMES[form.get("lasts", "")][1]
    except (ValueError, KeyError) as error:
        sentence = "Choose what the program may do, and for how long."
        raise Declined(HTTPStatus.BAD_REQUEST, sentence) from error
