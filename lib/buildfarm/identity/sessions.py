"""Sessions of browsers: the cookie that names one, and the word that its forms bring back.

The word is derived from the session's secret, which only that browser has: nothing more has to be
kept for it, and it ends with the session.

Layer 4. Tests: tests/unit/identity/test_sessions.py.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from buildfarm.identity.secrets import NewSecret
from buildfarm.vocab.access import ANYBODY, Visitor


@dataclass(frozen=True, slots=True)
class Session:
    """Who looks at a page. `csrf` is the word that their forms must bring back, `key` names it.

    Both are empty without a session.
    """

    visitor: Visitor
    csrf: str = ""
    key: str = ""


#: Nobody has logged in.
NO_SESSION = Session(ANYBODY)


def csrf_word(secret: str) -> str:
    """The word of the forms of the session with this secret."""
    return hmac.new(secret.encode("utf-8", "surrogateescape"), b"form", hashlib.sha256).hexdigest()


def is_word_of(session: Session, word: str) -> bool:
    """Whether `word` is the one of this session's forms; takes as long either way."""
    given = word.encode("utf-8", "surrogateescape")
    return hmac.compare_digest(session.csrf.encode(), given) and session.csrf != ""


def cookie_name(origin: str) -> str:
    """The name of the cookie at `origin`, such as `https://farm.example`.

    Browsers keep cookies of one host together whatever its port is: two farms on one machine must
    not take each other's. Over TLS the prefix has browsers refuse it from anywhere but this host.
    """
    parts = urlsplit(origin)
    port = "" if parts.port is None else f"-{parts.port}"
    prefix = "__Host-" if parts.scheme == "https" else ""
    return f"{prefix}farm{port}"


def cookie(origin: str, secret: NewSecret, lasts: timedelta) -> str:
    """The value of the Set-Cookie header that begins a session."""
    return _cookie(origin, secret.joined, int(lasts.total_seconds()))


def no_cookie(origin: str) -> str:
    """The value of the Set-Cookie header that ends a session in its browser."""
    return _cookie(origin, "", 0)


def _cookie(origin: str, value: str, seconds: int) -> str:
    secure = "; Secure" if origin.startswith("https:") else ""
    name = cookie_name(origin)
    return f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
