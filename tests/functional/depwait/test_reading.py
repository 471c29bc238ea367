"""Indexes looked at by a real child: fetched once, kept, held against what vouches for them."""

import gzip
import hashlib
import lzma
import zlib
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.web.resource import Resource
from twisted.web.server import Site

from buildfarm.assembly.walltime import utc_now
from buildfarm.depwait.indexes import Index
from buildfarm.depwait.looks import Looker, LookFailed
from buildfarm.depwait.reading import Look, offers_in
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.vocab.notificationsettings import DepWaitSettings
from buildfarm.vocab.settings import ManagerSettings, Settings

_ENTRY = "Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: a test\n"
_RELATIVE = "main/binary-amd64/Packages"


class MirrorServer(Resource):
    """A mirror in the test's reactor. `files` are by path; `asked` are those that were asked for.

    A file has an ETag that is its digest, and one in `codes` is answered with that.
    """

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.files: dict[str, bytes] = {}
        self.codes: dict[str, int] = {}
        self.asked: list[str] = []
        self.authorization: list[str] = []

    def render_GET(self, request: Any) -> bytes:
        """A file, or that it has not changed, or that there is none."""
        path = request.path.decode()
        self.asked.append(path)
        self.authorization.append(request.getHeader("Authorization") or "")
        code = self.codes.get(path, 200 if path in self.files else 404)
        request.setResponseCode(code)
        if code != 200:
            request.setHeader("Location", "/elsewhere")
            return b""
        content = self.files[path]
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        request.setHeader("ETag", etag)
        if request.getHeader("If-None-Match") == etag:
            request.setResponseCode(304)
            return b""
        return content


class Babble(Protocol):
    """A server that answers whatever it is asked with what is no HTTP."""

    def dataReceived(self, data: bytes) -> None:
        """Say something."""
        self.transport.write(b"nothing that means anything\r\n\r\n")
        self.transport.loseConnection()


class ReadingCase(FarmTestCase):
    timeout = 60.0

    async def setUp(self) -> None:
        super().setUp()
        self.mirror = MirrorServer()
        site: Any = Site(self.mirror)
        endpoint = TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(site)
        self.addCleanup(port.stopListening)
        self.host = f"127.0.0.1:{port.getHost().port}"
        self.index = Index(f"http://{self.host}/dists/bookworm", _RELATIVE)
        self.workers = Workers(self.reactor, 1, 10, "files")
        self.addCleanup(self.workers.stop, 5.0)
        self.state_dir = self.make_directory()
        self.looker = self.make_looker()

    def make_looker(self, **fields: Any) -> Looker:
        """What looks, with these settings."""
        settings = Settings(
            manager=ManagerSettings(state_dir=self.state_dir), depwait=DepWaitSettings(**fields)
        )
        return Looker(self.reactor, settings, self.workers, utc_now)

    def put(self, *packages: tuple[str, str], suffix: str = ".xz", release: bool = True) -> None:
        """Have the mirror offer these packages, as versions by name."""
        text = "\n".join(_ENTRY.format(name=name, version=version) for name, version in packages)
        pack = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}[suffix]
        content = pack(text.encode())
        path = f"/dists/bookworm/{_RELATIVE}{suffix}"
        self.mirror.files[path] = content
        if release:
            digest = hashlib.sha256(content).hexdigest()
            line = f" {digest} {len(content)} {_RELATIVE}{suffix}\n"
            listed = f"-----BEGIN PGP SIGNED MESSAGE-----\n\nSuite: bookworm\nSHA256:\n{line}"
            self.mirror.files["/dists/bookworm/InRelease"] = listed.encode()

    async def look(self, *names: str, fresh_for: float = 0.0, index: Index | None = None) -> Look:
        """What the index has of these."""
        wanted = [self.index if index is None else index]
        [found] = await self.looker.look(wanted, names, fresh_for, every=True)
        return found


class RemoteTests(ReadingCase):
    async def test_fetched_once(self) -> None:
        """An index is fetched when its suite has changed, and else only asked after."""
        self.put(("foo", "1.0"), ("bar", "2.0"))
        first = await self.look("foo", "baz")
        self.assertEqual([("foo", "1.0", "", "")], first.offers)
        packages = f"/dists/bookworm/{_RELATIVE}.xz"
        self.assertEqual(["/dists/bookworm/InRelease", packages], self.mirror.asked)
        again = await self.look("bar")
        self.assertEqual((first.state, [("bar", "2.0", "", "")]), (again.state, again.offers))
        await self.look("bar", fresh_for=3600.0)
        self.assertEqual("/dists/bookworm/InRelease", self.mirror.asked[2])
        self.assertEqual(3, len(self.mirror.asked))
        self.put(("foo", "1.1"))
        changed = await self.look("foo")
        self.assertNotEqual(first.state, changed.state)
        self.assertEqual([("foo", "1.1", "", "")], changed.offers)

    async def test_not_what_inrelease_says(self) -> None:
        """What InRelease does not vouch for is not believed; the index of before stands."""
        self.put(("foo", "1.0"))
        before = await self.look("foo")
        self.put(("foo", "6.6"))
        self.mirror.files[f"/dists/bookworm/{_RELATIVE}.xz"] += b"more"
        found = await self.look("foo")
        self.assertEqual((before.state, before.offers), (found.state, found.offers))
        self.assertIn("is not what InRelease says it is", found.error)

    async def test_server_in_trouble(self) -> None:
        """No redirect is followed, and an index that was never fetched is unknown."""
        self.put(("foo", "1.0"))
        for code in (302, 500):
            self.mirror.codes = {"/dists/bookworm/InRelease": code}
            found = await self.look("foo")
            self.assertEqual(("", []), (found.state, found.offers))
            self.assertIn(f"answers {code}", found.error)
        self.assertNotIn("/elsewhere", self.mirror.asked)
        self.mirror.codes = {}
        self.mirror.files.clear()
        self.assertIn("there is no index", (await self.look("foo")).error)

    async def test_bounded(self) -> None:
        """An index larger than it may be is not read to its end, nor what it unpacks to."""
        self.looker = self.make_looker(max_index_bytes=100_000)
        self.put(("foo", "1.0"), suffix="", release=False)
        self.mirror.files[f"/dists/bookworm/{_RELATIVE}"] += b"." * 100_000
        self.assertIn("larger than 100000 bytes", (await self.look("foo")).error)
        bomb = lzma.compress(b"a: b\n\n" * 2_000_000)
        self.mirror.files[f"/dists/bookworm/{_RELATIVE}.xz"] = bomb
        self.assertIn("larger than", (await self.look("foo")).error)

    async def test_one_among_others(self) -> None:
        """A server that speaks no HTTP spoils the look at no other one."""
        factory: Any = Factory.forProtocol(Babble)
        port = await TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        babble = Index(f"http://127.0.0.1:{port.getHost().port}/dists/bookworm", _RELATIVE)
        self.put(("foo", "1.0"))
        bad, good = await self.looker.look([babble, self.index], ["foo"], 0.0, every=True)
        self.assertIn("nothing that means anything", bad.error)
        self.assertEqual([("foo", "1.0", "", "")], good.offers)

    async def test_one_that_is_slow(self) -> None:
        """A server that never answers takes half of the time, and the others have their turn."""
        port = await TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1").listen(
            Factory.forProtocol(Protocol)
        )
        self.addCleanup(port.stopListening)
        silent = Index(f"http://127.0.0.1:{port.getHost().port}/dists/bookworm", _RELATIVE)
        self.put(("foo", "1.0"))
        self.looker = self.make_looker(deadline=5.0)
        slow, good = await self.looker.look([silent, self.index], ["foo"], 0.0, every=True)
        self.assertEqual(("", "its server is too slow"), (slow.state, slow.error))
        self.assertEqual([("foo", "1.0", "", "")], good.offers)

    async def test_packed_badly(self) -> None:
        """Nor does an index that cannot be unpacked, or that would take gigabytes for that."""
        damaged = bytearray(gzip.compress(b"Package: foo\n" * 1000))
        damaged[10] ^= 0x06
        huge = bytearray(lzma.compress(b"Package: foo\nVersion: 1.0\n"))
        header = slice(12, 12 + huge[12] * 4)
        huge[16] = 40  # a dictionary of 4 GiB
        huge[header.stop : header.stop + 4] = zlib.crc32(huge[header]).to_bytes(4, "little")
        for suffix, content, words in ((".gz", damaged, "invalid"), (".xz", huge, "memory")):
            self.mirror.files[f"/flat/Packages{suffix}"] = bytes(content)
            flat = Index(f"http://{self.host}/flat", "Packages")
            found = await self.look("foo", index=flat)
            self.assertEqual([], found.offers)
            self.assertIn("cannot be read", found.error)
            self.assertIn(words, found.error)

    async def test_without_a_release(self) -> None:
        """An index that nothing vouches for is known by its own digest."""
        self.put(("foo", "1.0"), suffix=".gz", release=False)
        flat = Index(f"http://{self.host}/dists/bookworm/main/binary-amd64", "Packages")
        first = await self.look("foo", index=flat)
        self.assertEqual([("foo", "1.0", "", "")], first.offers)
        again = await self.look("foo", index=flat)
        self.assertEqual(first, again)

    async def test_password(self) -> None:
        """User and password of a URL are sent, and not told."""
        self.put(("foo", "1.0"))
        index = Index(f"http://user:hunter2@{self.host}/dists/bookworm", _RELATIVE)
        found = await self.look("foo", index=index)
        self.assertEqual("Basic dXNlcjpodW50ZXIy", self.mirror.authorization[0])
        self.assertNotIn("hunter2", found.place)
        self.assertNotIn(
            "hunter2", "".join(p.read_text(errors="replace") for p in self.kept() if p.is_file())
        )

    async def test_forgotten(self) -> None:
        """What nobody asks for any more is not kept."""
        self.put(("foo", "1.0"))
        await self.look("foo")
        self.assertEqual(2, len(self.kept()))
        await self.look("foo", index=Index("file:///nowhere", "Packages"))
        self.assertEqual([], self.kept())

    def kept(self) -> list[Path]:
        """The files that are kept."""
        return sorted((self.state_dir / "indexes").iterdir())


class LocalTests(ReadingCase):
    async def test_local(self) -> None:
        """An index on this machine is read where it is."""
        path = self.state_dir / "dists" / "bookworm" / f"{_RELATIVE}.gz"
        path.parent.mkdir(parents=True)
        entry = (
            "Package: libfoo2\nVersion: 2.0\nMulti-Arch: same\n"
            "Provides: foo, foo-api (= 2), odd name\n\nPackage: other\nVersion: 1\n"
        )
        path.write_bytes(gzip.compress(entry.encode()))
        index = Index((self.state_dir / "dists" / "bookworm").as_uri(), _RELATIVE)
        found = await self.look("libfoo2", "foo", "foo-api", "odd", index=index)
        self.assertEqual(
            [
                ("libfoo2", "2.0", "same", ""),
                ("foo", None, "same", "libfoo2"),
                ("foo-api", "2", "same", "libfoo2"),
            ],
            found.offers,
        )

    async def test_damaged(self) -> None:
        """One that cannot be unpacked is told of, and the look goes on."""
        path = self.state_dir / "Packages.xz"
        path.write_bytes(b"no xz at all")
        index = Index(self.state_dir.as_uri(), "Packages")
        self.assertIn("cannot be read", (await self.look("foo", index=index)).error)

    async def test_child_that_fails(self) -> None:
        """A child that takes too long ends, and the look with it."""
        self.looker = self.make_looker(deadline=0.001)
        self.mirror.files["/dists/bookworm/InRelease"] = b""
        try:
            await self.look("foo")
        except LookFailed as error:
            self.assertIn("did not end before its deadline", str(error))
        else:
            self.fail("it was in time")


class OffersTests(FarmTestCase):
    def test_white_space(self) -> None:
        """What is provided is read in no more time than it is long."""
        entry = f"Package: foo\nProvides: bar{' ' * 60_000}!, baz\n".encode()
        self.assertEqual(
            ["baz"], [one[0] for one in offers_in(iter([entry] * 20), {"bar", "baz"})][:1]
        )

    def test_bounded(self) -> None:
        """Of each name so many are told, and of each value the beginning."""
        entries = [f"Package: foo\nVersion: {'9' * 1000}\n".encode()] * 100
        found = list(offers_in(iter(entries), {"foo"}))
        self.assertEqual((20, 300), (len(found), len(found[0][1] or "")))
