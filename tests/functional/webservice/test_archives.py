"""Distributions, series, archives and source publications, as launchpadlib sees them."""

from typing import Any

from lazr.restfulclient.errors import BadRequest, NotFound

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import archives
from tests.functional.webservice.cases import WebServiceTestCase


class DistributionTests(WebServiceTestCase):
    async def test_what_there_is(self) -> None:
        """Distributions lead to their archives and series, the main archive first."""
        client = await self.client()

        def look() -> Any:
            [debian] = client.distributions
            series = debian.current_series
            return (
                (debian.name, debian.display_name, debian.main_archive.name),
                [archive.name for archive in debian.archives],
                (series.name, series.version, series.active, series.distribution.name),
                [one.name for one in debian.series],
                debian.getSeries(name_or_version="bookworm").self_link == series.self_link,
            )

        self.assertEqual(
            (
                ("debian", "Debian", "main"),
                ["main", "virtual"],
                ("bookworm", "bookworm", True, "debian"),
                ["bookworm"],
                True,
            ),
            await self.do(look),
        )

    async def test_what_there_is_not(self) -> None:
        """Unknown distributions, series and archives are not found; a looked up archive is None."""
        client = await self.client()

        def look() -> Any:
            debian = client.distributions["debian"]
            self.assertRaises(NotFound, debian.getSeries, name_or_version="sid")
            for path in ("debian/sid", "ubuntu", "ubuntu/series", "debian/+archive/none"):
                self.assertRaises(NotFound, client.load, f"{self.root}devel/{path}")
            return debian.getArchive(name="none"), debian.getArchive(name="virtual").name

        self.assertEqual((None, "virtual"), await self.do(look))

    async def test_an_archive(self) -> None:
        """It says what it takes, and how it builds."""
        client = await self.client()

        def look() -> Any:
            archive = client.load(f"{self.root}devel/debian/+archive/virtual")
            return (
                archive.suites,
                archive.architectures,
                (archive.private, archive.require_virtualized),
                archive.distribution.name,
            )

        self.assertEqual((["bookworm"], ["amd64"], (False, True), "debian"), await self.do(look))


class PublicationTests(WebServiceTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.farm.write(
            archives.change_archive,
            "main",
            {"suites": ("bookworm", "bookworm-security")},
            "test",
            utc_now(),
        )
        for source, suite in (
            ("hello", "bookworm"),
            ("hello", "bookworm-security"),
            ("othello", "bookworm"),
        ):
            await self.farm.submit(source, f"1.{suite}", suite=suite)

    async def test_searched(self) -> None:
        """By name, or a part of it, series, pocket, version and status, the newest first."""
        client = await self.client()

        def titles(**wanted: Any) -> list[str]:
            main = client.distributions["debian"].main_archive
            return [one.display_name for one in main.getPublishedSources(**wanted)]

        def look() -> Any:
            bookworm = client.distributions["debian"].current_series
            return [
                titles(),
                titles(source_name="hello"),
                titles(source_name="hello", exact_match=True, pocket="Security"),
                titles(distro_series=bookworm, pocket="Release"),
                titles(version="1.bookworm", source_name="oth"),
                titles(status="Superseded"),
                titles(status="Published", source_name="none"),
            ]

        hello, fixed, othello = (
            "hello 1.bookworm in bookworm",
            "hello 1.bookworm-security in bookworm-security",
            "othello 1.bookworm in bookworm",
        )
        self.assertEqual(
            [
                [othello, fixed, hello],
                [othello, fixed, hello],
                [fixed],
                [othello, hello],
                [othello],
                [],
                [],
            ],
            await self.do(look),
        )

    async def test_one(self) -> None:
        """It says what it is of, leads to its archive and series, and to its builds."""
        client = await self.client()

        def look() -> Any:
            main = client.distributions["debian"].main_archive
            [one] = main.getPublishedSources(source_name="hello", pocket="Security")
            [build] = one.getBuilds()
            again = client.load(one.self_link)
            return (
                (again.source_package_name, again.source_package_version, again.component_name),
                (again.pocket, again.status, type(again.date_published).__name__),
                (again.archive.name, again.distro_series.name, build.arch_tag),
            )

        self.assertEqual(
            (
                ("hello", "1.bookworm-security", "main"),
                ("Security", "Published", "datetime"),
                ("main", "bookworm", "amd64"),
            ),
            await self.do(look),
        )

    async def test_none_of_this_number(self) -> None:
        """Numbers that are none, and publications of other archives, are not found."""
        client = await self.client()

        def look() -> None:
            for path in ("main/+sourcepub/99", "main/+sourcepub/x", "virtual/+sourcepub/1"):
                address = f"{self.root}devel/debian/+archive/{path}"
                self.assertRaises(NotFound, client.load, address)

        await self.do(look)

    async def test_only_about_oneself(self) -> None:
        """What another person may do is not told."""
        client = await self.client("bert")

        def ask() -> None:
            debian = client.distributions["debian"]
            check = debian.main_archive.checkUpload
            given = {"distroseries": debian.current_series, "sourcepackagename": "hello"}
            self.assertRaises(BadRequest, check, person=client.people["ann"], **given)

        await self.do(ask)
