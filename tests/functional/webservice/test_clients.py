"""The same script by every release of launchpadlib that is about: PyPI's and Debian's."""

import stat

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import roster
from buildfarm.vocab.builder import NewBuilder
from buildfarm.webservice.catalogue import SERVICE
from tests.functional.webservice.cases import RELEASES, WebServiceTestCase


class ClientTests(WebServiceTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.farm.add_builder(self.farm.daemon(), "alpha")

    async def test_reading(self) -> None:
        """Anybody reads: entries, links, times, plain values; what is not there, and `me`."""
        await self.farm.submit("hello", "1.0")
        for release in RELEASES:
            found = await self.script(release, "reading", self.root, "-")
            sizes = found.pop("sizes")
            self.assertEqual({"virt": {}, "nonvirt": {}}.keys(), sizes.keys())
            self.assertIn(found.pop("is clean"), ("Clean", "Dirty"))
            self.assertEqual(
                {
                    "me": ["Unauthorized", 401],
                    "alpha": ["alpha", "amd64", True, None],
                    "by address": "alpha",
                    "since": "datetime",
                    "no builder": None,
                    "nothing": ["NotFound", 404],
                    "people": ["Ann", "Bert"],
                },
                found,
                release,
            )

    async def test_collections(self) -> None:
        """More builders than one batch has, whole, in slices, and as a named operation gives."""
        for number in range(59):
            new = NewBuilder(f"b{number:03}", f"http://127.0.0.{number + 9}:1", ("amd64",))
            await self.farm.write(roster.add_builder, new, "test", utc_now())
            out = {"builderok": False, "failnotes": "not there"}
            await self.farm.write(roster.change_builder, new.name, out, "test", utc_now())
        for release in RELEASES:
            self.assertEqual(
                {
                    "length": [60, 60, 60, 60],
                    "in order": True,
                    "slices": [True] * 4,
                    "operation": True,
                    "slice of operation": True,
                },
                await self.script(release, "collections", self.root, "-"),
                release,
            )

    async def test_writing(self) -> None:
        """Saved, refused because another was first, because of who asks, or of what they send."""
        people = (await self.credentials("ann"), await self.credentials("bert"), "-")
        for release in RELEASES:
            found = await self.script(release, "writing", self.root, *people)
            self.assertEqual(
                {
                    "saved": [False, "its disk is broken"],
                    "older": ["PreconditionFailed", 412],
                    "refreshed": "its disk is broken",
                    "not everybody": [["Unauthorized", 401]] * 2,
                    "bad values": [["BadRequest", 400]] * 2,
                    "added": [True, "http://127.0.0.9:8221"],
                    "twice": ["BadRequest", 400],
                    "may upload": True,
                    "may not": ["ClientError", 403],
                    "read only": ["MethodNotAllowed", 405],
                },
                found,
                release,
            )

    async def test_login_with(self) -> None:
        """A client asks for a token and opens a browser, in which a person logs in and says yes.

        It keeps what it gets in a file that is its owner's alone, and needs no browser again.
        """
        for release in RELEASES:
            kept = self.make_directory() / "credentials"
            env = await self.browser("ann", "allow")
            names = await self.script(release, "login_with", self.root, str(kept), **env)
            self.assertEqual(["ann", "ann"], names, release)
            self.assertEqual(0, stat.S_IMODE(kept.stat().st_mode) & 0o077)

    async def test_login_that_is_refused(self) -> None:
        """Where the person says no the client is told, and keeps nothing."""
        for release in RELEASES:
            kept = self.make_directory() / "credentials"
            env = await self.browser("ann", "refuse")
            found = await self.script(release, "login_with", self.root, str(kept), **env)
            self.assertEqual("declined", found, release)
            self.assertFalse(kept.exists())

    async def test_everything_that_is_linked(self) -> None:
        """Every link is followed, every value read, by a moderator and by anybody."""
        build_id = await self.farm.submit("hello", "1.0")
        await self.farm.wait_until_built([build_id])
        credentials = await self.credentials("ann")
        for release in RELEASES:
            for who in (credentials, "-"):
                found = await self.script(release, "walk", self.root, who)
                self.assertEqual(set(SERVICE.entries), set(found), release)
