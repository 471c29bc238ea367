"""Builds and archives, as launchpadlib and the tools built on it see them."""

from typing import Any

from lazr.restfulclient.errors import BadRequest, ClientError, NotFound, Unauthorized

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import people
from buildfarm.vocab.people import ArchiveRight
from buildfarm.vocab.states import BuildState
from tests.functional.webservice.cases import WebServiceTestCase


class BuildTests(WebServiceTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.build_id = await self.farm.submit("hello", "1.0-1")

    def path(self, build_id: int, archive: str = "main") -> str:
        """Where a build is."""
        return f"{self.root}devel/debian/+archive/{archive}/+build/{build_id}"

    async def test_found_by_its_source(self) -> None:
        """The way that `ubuntu-build` goes: from a distribution to the builds of a source."""
        client = await self.client()

        def look() -> Any:
            debian = client.distributions["debian"]
            series = debian.getSeries(name_or_version="bookworm")
            [source] = debian.main_archive.getPublishedSources(
                source_name="hello", exact_match=True, distro_series=series, pocket="Release"
            )
            [build] = source.getBuilds()
            return source.source_package_version, build.arch_tag, build.buildstate

        self.assertEqual(("1.0-1", "amd64", "Needs building"), await self.do(look))

    async def test_steered(self) -> None:
        """A moderator rescores, cancels and retries."""
        client = await self.client("ann")

        def steer() -> Any:
            build = client.load(self.path(self.build_id))
            build.rescore(score=77)
            score = build.score
            build.cancel()
            words = build.buildstate, build.can_be_retried, build.can_be_rescored
            build.retry()
            return score, words, build.buildstate

        self.assertEqual(
            (77, ("Cancelled build", True, False), "Needs building"), await self.do(steer)
        )

    async def test_who_may_upload_may_retry(self) -> None:
        """An uploader of the archive cancels and retries, and does not rescore."""
        client = await self.client("bert")

        def refused() -> None:
            build = client.load(self.path(self.build_id))
            for act in (build.cancel, build.retry):
                self.assertRaises(Unauthorized, act)

        def steer() -> str:
            build = client.load(self.path(self.build_id))
            build.cancel()
            self.assertRaises(Unauthorized, build.rescore, score=7)
            self.assertRaises(BadRequest, build.cancel)
            return build.buildstate

        await self.do(refused)
        await self.farm.write(people.grant, "main", "bert", ArchiveRight.UPLOAD, "test", utc_now())
        self.assertEqual("Cancelled build", await self.do(steer))
        build = await self.farm.build(self.build_id)
        self.assertEqual((BuildState.CANCELLED, "cancelled by bert"), (build.state, build.reason))

    async def test_what_one_may_do(self) -> None:
        """`checkUpload` says true or 403, as `ubuntu-build` expects."""
        ann, bert = await self.client("ann"), await self.client("bert")

        def check(client: Any) -> Any:
            debian = client.distributions["debian"]
            return debian.main_archive.checkUpload(
                component="main",
                distroseries=debian.current_series,
                person=client.me,
                pocket="Release",
                sourcepackagename="hello",
            )

        self.assertIs(True, await self.do(check, ann))
        refused = await self.do(self.assertRaises, ClientError, check, bert)
        self.assertEqual(403, refused.response.status)

    async def test_teams(self) -> None:
        """The teams of a person are found, as `ubuntu-build` asks before it rescores."""
        client = await self.client("ann")

        def look() -> Any:
            me = client.me
            return me.name, [team.name for team in me.super_teams], client.people["ann"].name

        self.assertEqual(("ann", ["launchpad-buildd-admins"], "ann"), await self.do(look))


class PrivateTests(WebServiceTestCase):
    async def test_seen_by_those_who_may(self) -> None:
        """A private archive and its builds do not exist for others."""
        await self.farm.add_archive("secret", private=True)
        build_id = await self.farm.submit(archive="secret")
        address = f"{self.root}devel/debian/+archive/secret"

        def look(client: Any) -> list[str]:
            seen = [archive.name for archive in client.distributions["debian"].archives]
            for path in (address, f"{address}/+build/{build_id}", f"{address}/+sourcepub/1"):
                if "secret" in seen:
                    client.load(path)
                else:
                    self.assertRaises(NotFound, client.load, path)
            return seen

        for person in (None, "bert"):
            seen = await self.do(look, await self.client(person))
            self.assertNotIn("secret", seen)
        self.assertIn("secret", await self.do(look, await self.client("ann")))
        await self.farm.write(people.grant, "secret", "bert", ArchiveRight.READ, "test", utc_now())
        self.assertIn("secret", await self.do(look, await self.client("bert")))
