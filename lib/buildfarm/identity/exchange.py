"""How a client gets a token of its own: it asks, a person says yes in a browser, it fetches it.

Layer 4. Tests: tests/unit/identity/test_exchange.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from buildfarm.identity.attempts import Attempts
from buildfarm.identity.doorkeeper import Storage
from buildfarm.identity.secrets import NewSecret, fits, new_secret
from buildfarm.storage import tokenrequests, tokens
from buildfarm.vocab.access import AccessLevel, Visitor
from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.vocab.people import TokenKind, TokenSnapshot

#: How long a person has for an answer.
OPEN_FOR = timedelta(hours=1)

#: Characters of the name that a client gives itself.
MAX_CONSUMER = 100

#: Tokens that one address may ask for within `SPAN` seconds.
MOST = 30
SPAN = 600.0


class Standing(Enum):
    """Where a request for a token stands."""

    OPEN = "nobody has answered yet"
    REFUSED = "refused, too old, or unknown"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client hears that fetches its token; `secret` only where it was granted."""

    standing: Standing
    secret: NewSecret | None = None


class TooManyRequests(FarmError):
    """This address has asked for too many tokens, or guesses; `wait` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__("Too many requests for tokens came from this address; try again later.")
        self.wait = wait


class Exchange:
    """Requests for tokens: asked, answered, fetched."""

    def __init__(
        self, seconds: Callable[[], float], storage: Storage, utc_now: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._utc_now = utc_now
        self._asked = Attempts(seconds, MOST, SPAN)
        self._guessed = Attempts(seconds)

    async def request(self, consumer: str, address: str) -> NewSecret:
        """A client at `address`, which calls itself `consumer`, asks for a token.

        Raises Refused for a name that is none, TooManyRequests, StorageError.
        """
        if not 0 < len(consumer) <= MAX_CONSUMER or not consumer.isprintable():
            raise Refused("A consumer has a printable name of at most 100 characters.")
        wait = self._asked.wait(address)
        if wait > 0:
            raise TooManyRequests(wait)
        self._asked.note(address)
        new, now = new_secret(), self._utc_now()
        await self._storage.write(tokenrequests.request, new.kept, consumer, now + OPEN_FOR, now)
        return new

    async def asked(self, key: str) -> TokenSnapshot:
        """The request that waits for an answer. Raises Refused where it does not."""
        now = self._utc_now()
        found: TokenSnapshot = await self._storage.read(tokenrequests.open_request, key, now)
        return found

    async def approve(
        self, key: str, visitor: Visitor, level: AccessLevel, lasts: timedelta | None
    ) -> None:
        """A visitor says yes, to as much as their own session allows. Raises Refused."""
        if visitor.person is None or not visitor.level.includes(level):
            raise Refused(f"Your session does not allow {level.value}, so no token of yours can.")
        now = self._utc_now()
        await self._storage.write(tokenrequests.approve, key, visitor.person, level, now, lasts)

    async def refuse(self, key: str, visitor: Visitor) -> None:
        """A visitor says no. Raises Refused."""
        await self._storage.write(tokenrequests.refuse, key, str(visitor.person), self._utc_now())

    async def fetch(self, consumer: str, key: str, secret: str, address: str) -> Granted:
        """The client at `address` comes for the token that it asked for with this key and secret.

        Raises TooManyRequests for an address that guesses, StorageError.
        """
        wait = self._guessed.wait(address)
        if wait > 0:
            raise TooManyRequests(wait)
        asked, now = await self._request(key), self._utc_now()
        if asked is None or not fits(secret, asked.secret_sha256) or asked.consumer != consumer:
            self._guessed.note(address)
            return Granted(Standing.REFUSED)
        if asked.kind is not TokenKind.REQUEST or not asked.is_good(now):
            return Granted(Standing.REFUSED)
        if asked.person is None:
            return Granted(Standing.OPEN)
        new = new_secret()
        await self._storage.write(tokenrequests.exchange, key, new.kept, now)
        return Granted(Standing.GRANTED, new)

    async def _request(self, key: str) -> TokenSnapshot | None:
        try:
            bearer: tokens.Bearer = await self._storage.read(tokens.token_by_key, key)
        except Refused:
            return None
        return bearer.token
