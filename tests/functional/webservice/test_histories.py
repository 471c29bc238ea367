"""All builds of a farm, their attempts, and what ended when, as launchpadlib sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lazr.restfulclient.errors import NotFound

from tests.functional.webservice.cases import WebServiceTestCase


class HistoryTests(WebServiceTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.farm.add_builder(self.farm.daemon())
        self.build_id = await self.farm.submit()
        await self.farm.wait_until_built([self.build_id])

    async def test_builds(self) -> None:
        """Builds are listed, chosen by state, source and archive, and found by number."""
        client = await self.client()

        def look() -> Any:
            builds = client.builds
            chosen = builds.getBuildRecords(
                build_state="Successfully built", source_name="hello", archive="main"
            )
            nothing = len(list(builds.getBuildRecords(suite="sid")))
            [one] = list(builds)
            named = one.archive_name, one.suite, one.builder_name
            self.assertIsNone(builds.getByID(id=77))
            return [build.id for build in chosen], nothing, named, builds.getByID(id=one.id).id

        self.assertEqual(
            ([self.build_id], 0, ("main", "bookworm", "bob"), self.build_id), await self.do(look)
        )

    async def test_attempts(self) -> None:
        """A build leads to its attempts, and each to its build and builder; no cookie is told."""
        client = await self.client()

        def look() -> Any:
            [attempt] = client.builds.getByID(id=self.build_id).attempts
            self.assertNotIn("cookie", attempt.lp_attributes)
            self.assertRaises(NotFound, client.load, attempt.self_link.replace("ts/1", "ts/2"))
            loaded = client.load(attempt.self_link)
            return loaded.number, loaded.outcome, attempt.build.id, attempt.builder.name

        self.assertEqual((1, "PUBLISHED", self.build_id, "bob"), await self.do(look))

    async def test_ended(self) -> None:
        """What ended in a span of time is told in parts, for reports."""
        client = await self.client()
        hour = timedelta(hours=1)

        def look() -> Any:
            builds, now = client.builds, datetime.now(UTC)
            recent = builds.getEndedAttempts(since=now - hour, until=now + hour)
            early = builds.getEndedBuilds(until=now - hour)
            after = builds.getEndedAttempts(after=recent[0].id)
            return [one.build_id for one in recent], list(early), list(after)

        self.assertEqual(([self.build_id], [], []), await self.do(look))

    async def test_overview(self) -> None:
        """The whole farm in one answer: builders with what they do, and what waits."""
        await self.farm.submit("virtual", archive="virtual")
        client = await self.client()

        def look() -> Any:
            return client.builders.getOverview()

        found = await self.do(look)
        [bob] = found["builders"]
        self.assertEqual(("bob", ["amd64"], False), (bob["name"], bob["processors"], bob["manual"]))
        self.assertIn(bob["state"], {"idle", "cleaning"})
        [queue] = found["queues"]
        self.assertEqual(("amd64", True, 1), tuple(queue.values())[:3])

    async def test_private(self) -> None:
        """Nobody hears of what is in an archive that they may not see."""
        await self.farm.add_archive("secret", private=True)
        hidden = await self.farm.submit("hidden", archive="secret")
        await self.farm.wait_until_built([hidden])

        def seen(client: Any) -> Any:
            builds = client.builds
            return [
                hidden in [one.id for one in builds],
                hidden in [one.id for one in builds.getEndedBuilds()],
                hidden in [one.build_id for one in builds.getEndedAttempts()],
                builds.getByID(id=hidden) is not None,
            ]

        self.assertEqual([False] * 4, await self.do(seen, await self.client()))
        self.assertEqual([True] * 4, await self.do(seen, await self.client("ann")))
