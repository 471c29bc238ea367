"""Requests for tokens: asked by a client, answered by a person, exchanged for an access token.

Whoever finds the address can ask, so what waits for an answer is bounded: the oldest goes first.

Layer 3. Tests: tests/unit/storage/test_tokenrequests.py.
"""

from datetime import datetime, timedelta
from typing import Any

from storm.expr import And, Delete, Desc, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.people import person_named
from buildfarm.storage.tables import Token
from buildfarm.storage.tokens import issue, token_by_key
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import Secret, TokenKind, TokenSnapshot

#: Requests that nobody has said yes to, in all; a further one takes the place of the oldest.
MOST = 1000

_UNANSWERED = And(
    Token.kind == TokenKind.REQUEST.value,
    Token.person_id == None,  # noqa: E711 - SQL, not Python
)


def request(
    store: Any, secret: Secret, consumer: str, expires: datetime, now: datetime
) -> Committed[TokenSnapshot]:
    """A client that calls itself `consumer` asks for a token, and has until `expires` to get it."""
    older = Select(Token.id, _UNANSWERED, order_by=Desc(Token.id), offset=MOST - 1, limit=1)
    row = store.execute(older).get_one()
    if row is not None:
        store.execute(Delete(And(_UNANSWERED, Token.id <= row[0]), Token), noresult=True)
    return issue(
        store, TokenKind.REQUEST, secret, consumer, now, consumer=consumer, expires=expires
    )


def open_request(store: Any, key: str, now: datetime) -> TokenSnapshot:
    """The request that `key` names. Raises Refused where none of this key waits for an answer."""
    try:
        found = token_by_key(store, key).token
    except Refused as error:
        raise Refused(_NOT_OPEN) from error
    if found.kind is not TokenKind.REQUEST or found.person is not None or not found.is_good(now):
        raise Refused(_NOT_OPEN)
    return found


def approve(
    store: Any,
    key: str,
    person: str,
    level: AccessLevel,
    now: datetime,
    lasts: timedelta | None = None,
) -> Committed[TokenSnapshot]:
    """A person says yes, to a token for so long, or until it is revoked.

    Raises Refused where the request is not open, and for a person who cannot have one.
    """
    asked, found = open_request(store, key, now), person_named(store, person)
    if found.is_team or not found.active:
        raise Refused(f"{person} can have no token: it is for people who are active.")
    row = {
        Token.person_id: found.id,
        Token.level: level.value,
        Token.lasts: None if lasts is None else int(lasts.total_seconds()),
    }
    store.execute(Update(row, Token.id == asked.id), noresult=True)
    told = f"{person} gave {asked.consumer!r} a token to {level.value}"
    record(store, now, [Change(Place(), told)], person)
    return Committed(token_by_key(store, key).token)


def refuse(store: Any, key: str, person: str, now: datetime) -> Committed[TokenSnapshot]:
    """A person says no. Raises Refused where the request is not open."""
    asked = open_request(store, key, now)
    store.execute(Update({Token.revoked: now}, Token.id == asked.id), noresult=True)
    told = f"{person} refused {asked.consumer!r} a token"
    record(store, now, [Change(Place(), told)], person)
    return Committed(token_by_key(store, key).token)


def exchange(store: Any, key: str, secret: Secret, now: datetime) -> Committed[TokenSnapshot]:
    """Turn a request that was approved into an access token with a new key and secret, once."""
    asked = token_by_key(store, key).token
    if asked.kind is not TokenKind.REQUEST or asked.person is None or not asked.is_good(now):
        raise Refused("There is no approved request for this token.")
    [lasts] = store.execute(Select(Token.lasts, Token.id == asked.id)).get_one()
    row = {
        Token.kind: TokenKind.ACCESS.value,
        Token.key: secret.key,
        Token.secret_sha256: secret.secret_sha256,
        Token.expires: None if lasts is None else now + timedelta(seconds=lasts),
    }
    still = And(Token.id == asked.id, Token.kind == TokenKind.REQUEST.value)
    require_one(store.execute(Update(row, still)), "the request for a token was to be granted")
    return Committed(token_by_key(store, secret.key).token)


_NOT_OPEN = "This request for a token has been answered, is too old, or was never made."
