"""A farm with its pages, and people who look at them."""

from datetime import timedelta

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.farm import Farm
from buildfarm.identity.secrets import NewSecret, new_secret
from buildfarm.storage import people, tokens
from buildfarm.vocab.access import BUILDD_ADMINS, AccessLevel
from buildfarm.vocab.people import ArchiveRight, TokenKind
from tests.functional.filestore.listeners import Answer, ListenerTestCase


class FarmPagesTestCase(ListenerTestCase):
    """A running farm. `ann` moderates; `rita` may see the archive `secret`, and `bert` may not."""

    farm: Farm

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        now = utc_now()
        for name in ("ann", "bert", "rita", BUILDD_ADMINS):
            await self.farm.write(
                people.add_person, name, name.title(), name == BUILDD_ADMINS, "test", now
            )
        await self.farm.write(people.join, "ann", BUILDD_ADMINS, "test", now)
        await self.farm.add_archive("secret", private=True)
        await self.farm.write(people.grant, "secret", "rita", ArchiveRight.READ, "test", now)
        await self.farm.start()

    async def issue(self, kind: TokenKind, person: str) -> NewSecret:
        """A token of a person, good for an hour."""
        new = new_secret()
        now = utc_now()
        await self.farm.write(
            tokens.issue,
            kind,
            new.kept,
            "test",
            now,
            person=person,
            level=AccessLevel.ADMINISTER,
            expires=now + timedelta(hours=1),
        )
        return new

    async def authorization(self, person: str) -> str:
        """The header of a script of this person."""
        token = await self.issue(TokenKind.ACCESS, person)
        return (
            f'OAuth oauth_consumer_key="test", oauth_token="{token.key}", '
            f'oauth_signature_method="PLAINTEXT", oauth_signature="%26{token.secret}"'
        )

    async def look(self, path: str, **headers: str) -> Answer:
        """A page, as a stranger sees it unless `headers` say who looks."""
        return await self.get(self.farm.web_port, path, **headers)
