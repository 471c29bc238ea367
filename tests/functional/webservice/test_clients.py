"""The same script by every release of launchpadlib that is about: PyPI's and Debian's."""

import stat
from pathlib import Path

from twisted.internet.defer import Deferred

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import roster, tokenrequests
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.builder import NewBuilder
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
        """A client asks for a token, waits for a browser, and keeps what it was granted."""
        browser = self.make_directory() / "browser"
        opened = browser.with_name("opened")
        browser.write_text(f'#!/bin/sh\necho "$1" >{opened}.new && mv {opened}.new {opened}\n')
        browser.chmod(0o700)
        for release in RELEASES:
            opened.unlink(missing_ok=True)
            kept = self.make_directory() / "credentials"
            dance = self.script(
                release, "login_with", self.root, str(kept), BROWSER=f"{browser} %s"
            )
            names = Deferred.fromCoroutine(dance)
            await self.approve(opened)
            self.assertEqual(["ann", "ann"], await names, release)
            self.assertEqual(0, stat.S_IMODE(kept.stat().st_mode) & 0o077)

    async def approve(self, opened: Path) -> None:
        """A person grants what the browser has opened."""

        def address_opened() -> str:
            return opened.read_text().strip() if opened.exists() else ""

        address = await self.wait_until(address_opened, 20.0, "the client to open the browser")
        beginning = f"{self.root}+authorize-token?oauth_token="
        self.assertTrue(address.startswith(beginning), address)
        key = address.removeprefix(beginning).partition("&")[0]
        await self.farm.write(tokenrequests.approve, key, "ann", AccessLevel.WRITE, utc_now())
