"""Tokens: issued, found by their key, revoked, forgotten.

The secret of a token is never here, only its digest; whoever compares it does so in constant time
(`identity.secrets`).

Layer 3. Tests: tests/unit/storage/test_tokens.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import And, Delete, Insert, LeftJoin, Or, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.people import person_named
from buildfarm.storage.rows import columns, time_of
from buildfarm.storage.tables import Person, Token
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.announcements import PeopleChanged
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import PersonSnapshot, Secret, TokenKind, TokenSnapshot

_COLUMNS = (
    *columns(Token, "id", "kind", "key", "secret_sha256"),
    Person.name,
    *columns(Token, "level", "consumer", "purpose", "created", "expires", "revoked", "used"),
)

#: What events call them.
_WORDS = {
    TokenKind.ACCESS: "token",
    TokenKind.REQUEST: "request for a token",
    TokenKind.LOGIN: "login link",
    TokenKind.SESSION: "session",
}

_TABLES = [Token, LeftJoin(Person, Person.id == Token.person_id)]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token with the person that it speaks for, None while nobody has answered a request."""

    token: TokenSnapshot
    person: PersonSnapshot | None


def issue(
    store: Any,
    kind: TokenKind,
    secret: Secret,
    actor: str,
    now: datetime,
    *,
    person: str | None = None,
    level: AccessLevel | None = None,
    consumer: str = "",
    purpose: str = "",
    expires: datetime | None = None,
) -> Committed[TokenSnapshot]:
    """Keep a new token. Raises Refused for an unknown or inactive person, and for a team."""
    person_id = None
    if person is not None:
        found = person_named(store, person)
        if found.is_team or not found.active:
            raise Refused(f"{person} can have no token: it is for people who are active.")
        person_id = found.id
    row = {
        Token.kind: kind.value,
        Token.key: secret.key,
        Token.secret_sha256: secret.secret_sha256,
        Token.person_id: person_id,
        Token.level: None if level is None else level.value,
        Token.consumer: consumer,
        Token.purpose: purpose,
        Token.created: now,
        Token.expires: expires,
    }
    store.execute(Insert(row), noresult=True)
    if kind is TokenKind.ACCESS:
        told = f"a token to {level.value if level else 'nothing'} was given to {person}"
        record(store, now, [Change(Place(), told)], actor)
    return Committed(token_by_key(store, secret.key).token)


def token_by_key(store: Any, key: str) -> Bearer:
    """The token that `key` names, good or not. Raises Refused where there is none."""
    row = store.execute(Select(_COLUMNS, Token.key == key, _TABLES)).get_one()
    if row is None:
        raise Refused("There is no such token.")
    token = _read(row)
    return Bearer(token, None if token.person is None else person_named(store, token.person))


def tokens(store: Any, person: str | None = None) -> tuple[TokenSnapshot, ...]:
    """Access tokens and sessions, the newest first; of one person, if given."""
    where = Token.kind.is_in([TokenKind.ACCESS.value, TokenKind.SESSION.value])
    if person is not None:
        where = And(where, Person.name == person)
    select = Select(_COLUMNS, where, _TABLES, order_by=Token.id)
    return tuple(_read(row) for row in reversed(list(store.execute(select).get_all())))


def log_in(
    store: Any, key: str, session: Secret, expires: datetime, now: datetime
) -> Committed[TokenSnapshot]:
    """Use up the login link `key`: its person has the new `session` until `expires`.

    Raises Refused where the link was used, has expired, or is none.
    """
    link = token_by_key(store, key).token
    unused = And(Token.id == link.id, Token.revoked == None)  # noqa: E711 - SQL, not Python
    if link.kind is not TokenKind.LOGIN or not link.is_good(now):
        raise Refused("This link has been used or is too old; ask for a new one.")
    require_one(store.execute(Update({Token.revoked: now}, unused)), "the link was to be used")
    person = str(link.person)
    begun = issue(
        store,
        TokenKind.SESSION,
        session,
        person,
        now,
        person=person,
        level=link.level,
        expires=expires,
    )
    record(store, now, [Change(Place(), f"{person} logged in")], person)
    return begun


def revoke(
    store: Any, token_id: int, actor: str, now: datetime, person: str | None = None
) -> Committed[TokenSnapshot]:
    """Make a token good for nothing. Raises Refused where there is none of this id.

    Where `person` is given, a token of somebody else is none.
    """
    row = store.execute(Select(_COLUMNS, Token.id == token_id, _TABLES)).get_one()
    found = None if row is None else _read(row)
    if found is None or (person is not None and found.person != person):
        raise Refused(f"There is no token {token_id}.")
    if found.revoked is None:
        store.execute(Update({Token.revoked: now}, Token.id == token_id), noresult=True)
        told = f"the {_WORDS[found.kind]} {token_id} of {found.person} was revoked"
        record(store, now, [Change(Place(), told)], actor)
    return Committed(token_by_key(store, found.key).token, (PeopleChanged(),))


def note_use(store: Any, token_id: int, now: datetime) -> Committed[None]:
    """The token was used; how long ago tells whether anybody still needs it."""
    store.execute(Update({Token.used: now}, Token.id == token_id), noresult=True)
    return Committed(None)


def forget_tokens(store: Any, before: datetime, limit: int) -> Committed[int]:
    """Remove tokens that expired or were revoked before `before`, at most `limit`; how many."""
    ended = Select(Token.id, (Token.expires < before) | (Token.revoked < before), limit=limit)
    return Committed(store.execute(Delete(Token.id.is_in(ended))).rowcount)


def forget_unused(store: Any, before: datetime, limit: int) -> Committed[int]:
    """Remove access tokens that nobody has used since `before`, at most `limit`; how many."""
    unused = And(
        Token.kind == TokenKind.ACCESS.value,
        Token.created < before,
        Or(Token.used == None, Token.used < before),  # noqa: E711 - SQL, not Python
    )
    gone = Select(Token.id, unused, limit=limit)
    removed = store.execute(Delete(Token.id.is_in(gone))).rowcount
    return Committed(removed, (PeopleChanged(),) if removed else ())


def _read(row: Any) -> TokenSnapshot:
    token_id, kind, key, digest, person, level, consumer, purpose, *times = row
    return TokenSnapshot(
        token_id,
        TokenKind(kind),
        key,
        digest,
        person,
        None if level is None else AccessLevel(level),
        consumer,
        purpose,
        *(time_of(time) for time in times),
    )
