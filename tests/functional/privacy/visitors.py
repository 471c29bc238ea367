"""Every kind of visitor, with what each sends along."""

from dataclasses import dataclass, field
from datetime import timedelta

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.farm import Farm
from buildfarm.identity.secrets import NewSecret, new_secret
from buildfarm.identity.sessions import cookie_name, csrf_word
from buildfarm.storage import tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import TokenKind


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser or a script; `address` is where they come from.

    `sees` says whether they may know of the private archive, `is_let_in` whether what they send is
    good, or nothing. `csrf` is the word of their session's forms.
    """

    name: str
    address: str
    sees: bool
    headers: dict[str, str] = field(default_factory=dict)
    is_let_in: bool = True

    @property
    def csrf(self) -> str:
        """As their pages have it."""
        _, _, secret = self.headers.get("Cookie", "").partition(".")
        return csrf_word(secret) if secret else ""


async def every_visitor(farm: Farm) -> list[Visitor]:
    """One of each kind. People are those of `secretfarm`."""
    now = utc_now()

    async def issue(kind: TokenKind, person: str, *, ends: bool = False) -> NewSecret:
        new = new_secret()
        expires = now + timedelta(hours=-1 if ends else 1)
        details = {"person": person, "level": AccessLevel.ADMINISTER, "expires": expires}
        await farm.write(tokens.issue, kind, new.kept, "test", now, **details)
        return new

    async def token(person: str, *, ends: bool = False) -> NewSecret:
        return await issue(TokenKind.ACCESS, person, ends=ends)

    async def session(person: str, *, ends: bool = False) -> dict[str, str]:
        new = await issue(TokenKind.SESSION, person, ends=ends)
        name = cookie_name(f"http://127.0.0.1:{farm.web_port}")
        return {"Cookie": f"{name}={new.joined}"}

    revoked = await token("rita")
    found = await farm.read(tokens.token_by_key, revoked.key)
    await farm.write(tokens.revoke, found.token.id, "test", now)
    wrong = NewSecret((await token("rita")).key, "0" * 64)
    expired = await token("rita", ends=True)
    visitors = [
        ("nobody", False, {}, True),
        ("a stranger's token", False, signed(await token("bert")), True),
        ("a stranger's session", False, await session("bert"), True),
        ("an expired token", False, signed(expired), False),
        ("a revoked token", False, signed(revoked), False),
        ("a wrong secret", False, signed(wrong), False),
        ("an expired session", False, await session("rita", ends=True), True),
        ("a reader's token", True, signed(await token("rita")), True),
        ("a reader's session", True, await session("rita"), True),
        ("an uploader's token", True, signed(await token("una")), True),
        ("a moderator's token", True, signed(await token("ann")), True),
        ("a moderator's session", True, await session("ann"), True),
    ]
    return [
        Visitor(name, f"127.0.0.{number}", sees, headers, is_let_in)
        for number, (name, sees, headers, is_let_in) in enumerate(visitors, 10)
    ]


def signed(token: NewSecret) -> dict[str, str]:
    """The header with which launchpadlib signs a request."""
    header = (
        'OAuth realm="x", oauth_consumer_key="walk", oauth_signature_method="PLAINTEXT", '
        f'oauth_token="{token.key}", oauth_signature="%26{token.secret}"'
    )
    return {"Authorization": header}
