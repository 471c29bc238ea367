"""Who is at the door: a key and a secret in, a visitor out.

What the database says of a token is remembered for some seconds, so that a page with twenty
requests asks it once; an act that changes people, rights or tokens ends that at once. Guesses are
counted per address, and an address with too many is not listened to for a while. A token that was
good once is no guess; and one that has come in from the address is listened to: any page elsewhere
could have a browser guess, and its person locked out.

Layer 4. Tests: tests/unit/identity/test_doorkeeper.py.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from twisted.logger import Logger

from buildfarm.identity.attempts import Attempts
from buildfarm.identity.secrets import digest, fits
from buildfarm.storage import people, tokens
from buildfarm.vocab.access import AccessLevel, Visitor
from buildfarm.vocab.announcements import Announcement, PeopleChanged
from buildfarm.vocab.errors import FarmError, Refused, StorageError
from buildfarm.vocab.people import ArchiveRight, TokenKind, TokenSnapshot

#: Seconds for which an answer of the database is used again.
REMEMBER = 10.0

#: How exactly the database knows when a token was last used.
NOTED_EACH = timedelta(days=1)

#: Tokens that are remembered at most.
_REMEMBERED = 1000

#: Compared with where no token has the key, so that an unknown key takes as long as a wrong secret.
_NO_DIGEST = digest("")


class WrongToken(FarmError):
    """The key names no token that is good, or the secret is not its own."""


class TooManyAttempts(FarmError):
    """This address has tried too many wrong tokens; `wait` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__("Too many wrong tokens came from this address; try again later.")
        self.wait = wait


class Storage(Protocol):
    """What the doorkeeper asks of the database; `storage.transactor.Transactor`."""

    async def read(self, query: Callable[..., Any], *args: Any) -> Any:
        """The answer of `query(store, *args)`."""

    async def write(self, act: Callable[..., Any], *args: Any) -> Any:
        """Carry out `act(store, *args)`."""


@dataclass(slots=True)
class _Known:
    """What the database said of one key, until when that is used, and when its use was noted.

    `visitor` is None where the token's person has left.
    """

    token: TokenSnapshot
    visitor: Visitor | None
    until: float
    noted: datetime | None


class Doorkeeper:
    """Knows visitors by their tokens."""

    log = Logger()

    def __init__(self, reactor: Any, storage: Storage, utc_now: Callable[[], datetime]) -> None:
        self._reactor = reactor
        self._storage = storage
        self._utc_now = utc_now
        self._attempts = Attempts(reactor.seconds)
        self._known: OrderedDict[tuple[TokenKind, str], _Known] = OrderedDict()
        #: What came in, and from where, with the digest of its secret.
        self._came_in: OrderedDict[tuple[TokenKind, str, str], str] = OrderedDict()
        self._changes = 0

    async def visitor(self, kind: TokenKind, key: str, secret: str, address: str) -> Visitor:
        """Who comes with this token of `kind`. Raises WrongToken, TooManyAttempts, StorageError."""
        came_in = fits(secret, self._came_in.get((kind, key, address), ""))
        self._require_few_attempts(address, came_in)
        known = await self._look_up(kind, key)
        # Many guesses may have come at once.
        self._require_few_attempts(address, came_in)
        good = fits(secret, _NO_DIGEST if known is None else known.token.secret_sha256)
        if known is None or not good:
            self._attempts.note(address)
            raise WrongToken("This token is wrong.")
        if known.visitor is None or not known.token.is_good(self._utc_now()):
            raise WrongToken("This token has expired, or was revoked.")
        self._came_in[kind, key, address] = known.token.secret_sha256
        self._came_in.move_to_end((kind, key, address))
        while len(self._came_in) > _REMEMBERED:
            self._came_in.popitem(last=False)
        await self._note_use(known)
        return known.visitor

    def publish(self, announcement: Announcement) -> None:
        """Forget what is remembered once people, their rights or their tokens have changed."""
        if isinstance(announcement, PeopleChanged):
            self._changes += 1
            self._known.clear()

    def _require_few_attempts(self, address: str, came_in: bool) -> None:
        wait = self._attempts.wait(address)
        if wait > 0 and not came_in:
            raise TooManyAttempts(wait)

    async def _note_use(self, known: _Known) -> None:
        """Have the database know that the token is in use: once a day, or it wears out."""
        now = self._utc_now()
        if known.noted is not None and now - known.noted < NOTED_EACH:
            return
        known.noted = now
        try:
            await self._storage.write(tokens.note_use, known.token.id, now)
        except StorageError as error:
            self.log.warn("that a token is in use could not be noted: {error}", error=error)

    async def _look_up(self, kind: TokenKind, key: str) -> _Known | None:
        known = self._known.get((kind, key))
        if known is not None and self._reactor.seconds() < known.until:
            return known
        self._known.pop((kind, key), None)
        changes = self._changes
        found = await self._storage.read(_find, kind, key)
        if found is None:
            return None
        token, visitor = found
        known = _Known(token, visitor, self._reactor.seconds() + REMEMBER, token.used)
        # What was read while something changed is of before, perhaps, and is not remembered.
        if changes == self._changes:
            self._known[kind, key] = known
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known


def _find(store: Any, kind: TokenKind, key: str) -> tuple[TokenSnapshot, Visitor | None] | None:
    """The token of this kind and key with the visitor that it makes; None where there is none."""
    try:
        bearer = tokens.token_by_key(store, key)
    except Refused:
        return None
    if bearer.token.kind is not kind or bearer.person is None:
        return None
    if not bearer.person.active:
        return bearer.token, None
    names = {bearer.person.name, *bearer.person.teams}
    rights = people.archive_rights(store)

    def archives(right: ArchiveRight) -> frozenset[str]:
        return frozenset(
            archive for archive, holders in rights.items() if names & holders.get(right, set())
        )

    visitor = Visitor(
        bearer.person.name,
        frozenset(bearer.person.teams),
        bearer.token.level or AccessLevel.READ,
        archives(ArchiveRight.READ),
        archives(ArchiveRight.UPLOAD),
    )
    return bearer.token, visitor
