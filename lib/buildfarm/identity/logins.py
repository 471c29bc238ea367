"""People log in to the pages by a link that is good once, see their tokens, and log out.

Layer 4. Tests: tests/unit/identity/test_logins.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from buildfarm.identity.doorkeeper import Doorkeeper, Storage
from buildfarm.identity.secrets import NewSecret, new_secret, parted
from buildfarm.identity.sessions import Session
from buildfarm.storage import tokens
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import TokenKind, TokenSnapshot


class Logins:
    """Sessions begun and ended, and what else acts for a person; a session is good for `lasts`."""

    def __init__(
        self,
        storage: Storage,
        doorkeeper: Doorkeeper,
        lasts: timedelta,
        utc_now: Callable[[], datetime],
    ) -> None:
        self.lasts = lasts
        self._storage = storage
        self._doorkeeper = doorkeeper
        self._utc_now = utc_now

    async def whose(self, link: str, address: str) -> str:
        """Whom a link would log in. Raises WrongToken, TooManyAttempts, StorageError."""
        found = await self._doorkeeper.visitor(TokenKind.LOGIN, *parted(link), address)
        return str(found.person)

    async def log_in(self, link: str, address: str) -> NewSecret:
        """Begin a session by what a link brings; the session's key and secret.

        Raises WrongToken or Refused for a link that was used or is too old, TooManyAttempts,
        StorageError.
        """
        await self.whose(link, address)
        new, now = new_secret(), self._utc_now()
        await self._storage.write(tokens.log_in, parted(link)[0], new.kept, now + self.lasts, now)
        return new

    async def log_out(self, session: Session) -> None:
        """End a session, here and in whatever browser has its cookie."""
        person = str(session.visitor.person)
        found = (await self._storage.read(tokens.token_by_key, session.key)).token
        await self._storage.write(tokens.revoke, found.id, person, self._utc_now(), person)

    async def tokens(self, session: Session) -> tuple[TokenSnapshot, ...]:
        """Tokens and sessions that act for whom the session is, those that stand, newest first."""
        now = self._utc_now()
        found = await self._storage.read(tokens.tokens, session.visitor.person)
        return tuple(one for one in found if one.is_good(now))

    async def revoke(self, session: Session, token_id: int) -> None:
        """End a token or a session of whom the session is. Raises Refused where none is theirs."""
        person = session.visitor.person
        if person is None:
            raise Refused("Log in to revoke a token of yours.")
        await self._storage.write(tokens.revoke, token_id, person, self._utc_now(), person)
