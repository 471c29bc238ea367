"""How a client gets a token of its own: it asks, a person says yes in a browser, it fetches it.

Layer 4. Tests: tests/unit/identity/test_exchange.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from buildfarm.identity.secrets import NewSecret, fits, new_secret
from buildfarm.storage import tokens
from buildfarm.storage.acts import Committed
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import TokenKind

P = ParamSpec("P")
T = TypeVar("T")

#: How long a person has for an answer.
OPEN_FOR = timedelta(hours=1)


class Storage(Protocol):
    """What is asked of the database; `storage.transactor.Transactor`."""

    async def read(
        self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer of `query(store, …)`."""

    async def write(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out `act(store, …)`."""


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


class Exchange:
    """Requests for tokens, from asking to fetching."""

    def __init__(self, storage: Storage, utc_now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._utc_now = utc_now

    async def request(self, consumer: str) -> NewSecret:
        """A client that calls itself `consumer` asks for a token. Raises Refused, see `issue`."""
        if not 0 < len(consumer) <= MAX_CONSUMER or not consumer.isprintable():
            raise Refused("A consumer has a printable name of at most 100 characters.")
        new, now = new_secret(), self._utc_now()
        await self._storage.write(
            tokens.issue,
            TokenKind.REQUEST,
            new.kept,
            consumer,
            now,
            consumer=consumer,
            expires=now + OPEN_FOR,
        )
        return new

    async def fetch(self, consumer: str, key: str, secret: str) -> Granted:
        """The client comes for the token that it asked for with this key and secret."""
        try:
            asked = (await self._storage.read(tokens.token_by_key, key)).token
        except Refused:
            return Granted(Standing.REFUSED)
        now = self._utc_now()
        own = fits(secret, asked.secret_sha256) and asked.consumer == consumer
        if not own or asked.kind is not TokenKind.REQUEST or not asked.is_good(now):
            return Granted(Standing.REFUSED)
        if asked.person is None:
            return Granted(Standing.OPEN)
        new = new_secret()
        await self._storage.write(tokens.exchange, key, new.kept, now)
        return Granted(Standing.GRANTED, new)


#: Characters of the name that a client gives itself.
MAX_CONSUMER = 100
