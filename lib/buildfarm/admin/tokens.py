"""The verbs of tokens: given, listed, revoked; and links for a browser.

The secret is in the answer of `create` and `login`, and nowhere afterwards.

Layer 5. Tests: tests/functional/admin/test_people.py.
"""

from datetime import timedelta
from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.identity.secrets import new_secret
from buildfarm.storage import tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import TokenKind

#: For how long a link lets somebody log in.
LINK_LASTS = timedelta(minutes=10)

#: What a listing says of a token; its digest is nobody's business.
_TOLD = (
    *("id", "kind", "person", "level", "consumer", "purpose"),
    *("created", "used", "expires", "revoked"),
)


async def create(
    farm: Farm,
    caller: Caller,
    *,
    person: str,
    level: AccessLevel,
    purpose: str = "",
    lasts: float | None = None,
) -> dict[str, Any]:
    """Give a person a token, for `lasts` seconds or for ever; its key and its secret."""
    new, now = new_secret(), farm.utc_now()
    issued = await farm.transactor.write(
        tokens.issue,
        TokenKind.ACCESS,
        new.kept,
        caller.actor,
        now,
        person=person,
        level=level,
        purpose=purpose,
        expires=None if lasts is None else now + timedelta(seconds=lasts),
    )
    return {"id": issued.id, "key": new.key, "secret": new.secret, "expires": issued.expires}


async def list_tokens(
    farm: Farm, caller: Caller, *, person: str | None = None
) -> list[dict[str, Any]]:
    """Tokens and sessions, the newest first."""
    found = await farm.transactor.read(tokens.tokens, person)
    return [{name: plain(getattr(one, name)) for name in _TOLD} for one in found]


async def revoke(farm: Farm, caller: Caller, *, token_id: int) -> None:
    """Make a token good for nothing."""
    await farm.transactor.write(tokens.revoke, token_id, caller.actor, farm.utc_now())


async def login(
    farm: Farm, caller: Caller, *, person: str, level: AccessLevel = AccessLevel.ADMINISTER
) -> str:
    """The address by which a person logs in to the page, once and soon, to do so much at most."""
    new, now = new_secret(), farm.utc_now()
    await farm.transactor.write(
        tokens.issue,
        TokenKind.LOGIN,
        new.kept,
        caller.actor,
        now,
        person=person,
        level=level,
        expires=now + LINK_LASTS,
    )
    return f"{farm.settings.web.public_url.rstrip('/')}/+login?link={new.joined}"
