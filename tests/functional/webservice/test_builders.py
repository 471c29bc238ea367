"""Builders, as launchpadlib sees them."""

from typing import Any

from lazr.restfulclient.errors import BadRequest, NotFound, PreconditionFailed, Unauthorized

from buildfarm.vocab.access import AccessLevel
from tests.functional.webservice.cases import WebServiceTestCase


class BuilderTests(WebServiceTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        for name in ("alpha", "bravo"):
            await self.farm.add_builder(self.farm.daemon(), name)

    async def test_listed_by_anybody(self) -> None:
        """Whoever asks sees the builders, by name, and one of them by its name."""
        client = await self.client()

        def look() -> Any:
            alpha = client.builders.getByName(name="alpha")
            return [one.name for one in client.builders], alpha.url[:7], alpha.processor.name

        self.assertEqual((["alpha", "bravo"], "http://", "amd64"), await self.do(look))

    async def test_disabled_with_a_note(self) -> None:
        """A moderator takes a builder out, saying why; the farm hears of it."""
        client = await self.client("ann")

        def disable() -> Any:
            alpha = client.builders.getByName(name="alpha")
            alpha.builderok = False
            alpha.failnotes = "its disk is broken"
            alpha.lp_save()
            return alpha.builderok, alpha.failnotes

        self.assertEqual((False, "its disk is broken"), await self.do(disable))
        builder = await self.farm.builder("alpha")
        self.assertEqual((False, "its disk is broken"), (builder.builderok, builder.failnotes))

    async def test_not_by_everybody(self) -> None:
        """Nobody without a name, no token of too low a level, and nobody who is no moderator."""

        def disable(client: Any) -> None:
            alpha = client.builders.getByName(name="alpha")
            alpha.manual = True
            self.assertRaises(Unauthorized, alpha.lp_save)

        for client in (
            await self.client(),
            await self.client("ann", AccessLevel.WRITE),
            await self.client("bert"),
        ):
            await self.do(disable, client)
        self.assertFalse((await self.farm.builder("alpha")).manual)

    async def test_two_at_once(self) -> None:
        """Who writes what another has written since is refused; clean status does not count."""
        client = await self.client("ann")

        def collide() -> None:
            mine, other = (client.load(f"{self.root}devel/builders/alpha") for _ in range(2))
            other.failnotes = "other"
            other.lp_save()
            mine.failnotes = "mine"
            self.assertRaises(PreconditionFailed, mine.lp_save)

        await self.do(collide)
        self.assertEqual("other", (await self.farm.builder("alpha")).failnotes)

    async def test_added(self) -> None:
        """A moderator adds a builder; a second one of its name is refused."""
        client = await self.client("ann")

        def add() -> Any:
            new = {"name": "zulu", "processors": ["/+processors/amd64"]}
            added = client.builders.new(url="http://127.0.0.9:8221/", **new)
            self.assertRaises(BadRequest, client.builders.new, url="http://127.0.0.8:8221/", **new)
            return added.url, [one.name for one in added.processors]

        self.assertEqual(("http://127.0.0.9:8221", ["amd64"]), await self.do(add))

    async def test_what_is_not_there(self) -> None:
        """A builder that never was is not found, or None."""
        client = await self.client()

        def look() -> Any:
            self.assertRaises(NotFound, client.load, f"{self.root}devel/builders/none")
            return client.builders.getByName(name="none")

        self.assertIsNone(await self.do(look))

    async def test_what_it_builds(self) -> None:
        """A build leads to its builder, and the builder to its builds."""
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        client = await self.client()

        def look() -> Any:
            [name] = [one.name for one in client.builders if len(one.getBuildRecords()) > 0]
            [build] = client.builders.getByName(name=name).getBuildRecords()
            return build.buildstate, build.builder.name == name, build.archive.name

        self.assertEqual(("Successfully built", True, "main"), await self.do(look))
