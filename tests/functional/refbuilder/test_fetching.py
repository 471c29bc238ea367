"""Inputs, fetched from a real server."""

import hashlib
from pathlib import Path

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.inputserver import PASSWORD, USER, InputServer
from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.fetching import DEADLINE, Fetcher
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.workplace import Workplace

CONTENT = b"an input"
SHA1 = hashlib.sha1(CONTENT).hexdigest()


class TestFetcher(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.inputs = self.useFixture(InputServer(self.reactor))
        self.inputs.add(CONTENT)
        self.workers = Workers(self.reactor, size=4, bound=10, name="fetching")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(10)))
        self.place = Workplace(self.make_directory())
        self.cache = FileCache(self.place)
        self.cache.open()
        self.stopping = False
        self.fetcher = Fetcher(self.cache, self.clock.seconds, lambda: self.stopping)

    async def ensure(
        self, sha1: str = SHA1, url: str | None = None, user: str = "", password: str = ""
    ) -> tuple[bool, str]:
        """Ask for a file of the input server, or of `url`."""
        url = f"{self.inputs.url}/{sha1}" if url is None else url
        ensure = self.fetcher.ensure_present
        return await self.workers.run(ensure, sha1, url, user, password)

    def kept(self) -> bytes | None:
        """The one input, None where there is none."""
        inputs = list(self.place.inputs.iterdir())
        return inputs[0].read_bytes() if inputs else None

    def left_over(self) -> list[Path]:
        """What unfinished downloads have left."""
        return list(self.place.incoming.iterdir())

    def escaped(self) -> list[Path]:
        """Files that are where a path had led."""
        return list(self.place.root.glob("**/escaped"))

    async def test_kept(self) -> None:
        """A file that was fetched is there, whole, and is not fetched again."""
        self.assertEqual((True, "Download"), await self.ensure())
        self.assertEqual((True, "Cache"), await self.ensure())
        self.assertEqual(CONTENT, self.kept())
        self.assertEqual(1, len(self.inputs.asked))

    async def test_digest(self) -> None:
        """A file with another digest is not kept, nor is one whose digest is none."""
        self.inputs.files["e" * 40] = CONTENT
        self.inputs.files[SHA1.upper()] = CONTENT
        for sha1 in ("e" * 40, SHA1.upper()):
            self.assertEqual(
                (False, "Digests did not match, removing again!"), await self.ensure(sha1)
            )
        self.assertIsNone(self.kept())
        self.assertEqual([], self.left_over())

    async def test_paths(self) -> None:
        """A digest that is a path leads nowhere."""
        url = f"{self.inputs.url}/{SHA1}"
        for sha1 in ("../escaped", "/escaped"):
            present, _ = await self.ensure(sha1, url)
            self.assertFalse(present)
        self.assertEqual([], self.escaped())

    async def test_other_schemes(self) -> None:
        """Files of this machine are not fetched, whatever their digest."""
        present, text = await self.ensure(SHA1, Path(__file__).as_uri())
        self.assertFalse(present)
        self.assertIn("unknown url type: file", text)

    async def test_redirect(self) -> None:
        """A redirect is an error: credentials go where they were meant to go."""
        refused = (False, "Error accessing Librarian: HTTP Error 302: Found")
        self.assertEqual(refused, await self.ensure(SHA1, f"{self.inputs.url}/moved/{SHA1}"))

    async def test_credentials(self) -> None:
        """Credentials are sent where they are asked for, and nowhere else."""
        url = f"{self.inputs.url}/private/{SHA1}"
        self.assertEqual((True, "Download"), await self.ensure(SHA1, url, USER, PASSWORD))
        self.assertEqual(["", USER], [asked.user for asked in self.inputs.asked])

    async def test_deadline(self) -> None:
        """A download that takes too long is given up."""
        downloading = ensureDeferred(self.ensure(SHA1, f"{self.inputs.url}/held/{SHA1}"))
        await self.wait_until(lambda: self.inputs.asked)
        self.clock.advance(DEADLINE + 1)
        self.inputs.release()
        self.assertEqual(
            (False, "Error accessing Librarian: the download was given up"), await downloading
        )
        self.assertEqual([], self.left_over())

    async def test_stopping(self) -> None:
        """So is one during which the daemon is stopped."""
        downloading = ensureDeferred(self.ensure(SHA1, f"{self.inputs.url}/held/{SHA1}"))
        await self.wait_until(lambda: self.inputs.asked)
        self.stopping = True
        self.inputs.release()
        present, _ = await downloading
        self.assertFalse(present)
        self.assertEqual([], self.left_over())

    async def test_cut_off(self) -> None:
        """A file that ends before it is whole is not kept."""
        longer = hashlib.sha1(CONTENT + b"!").hexdigest()
        self.inputs.files[longer] = CONTENT
        present, _ = await self.ensure(longer, f"{self.inputs.url}/cut/{longer}")
        self.assertFalse(present)
        self.assertEqual([], self.left_over())

    async def test_twice_at_once(self) -> None:
        """Two downloads of one file at the same time do not spoil each other."""
        url = f"{self.inputs.url}/held/{SHA1}"
        both = [ensureDeferred(self.ensure(SHA1, url)) for _ in range(2)]
        await self.wait_until(lambda: len(self.inputs.asked) == 2)
        self.inputs.release()
        self.assertEqual([(True, "Download")] * 2, [await one for one in both])
        self.assertEqual(CONTENT, self.kept())
