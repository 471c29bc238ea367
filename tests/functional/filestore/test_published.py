"""Published archives on the web listener, over real sockets."""

import base64
import os
from pathlib import Path

from buildfarm.filestore.guesses import MAX_WRONG, Guesses
from buildfarm.filestore.listings import MAX_LISTED
from buildfarm.filestore.published import PublishedResource, open_below
from tests.functional.filestore.listeners import Answer, ListenerTestCase


class PublishedResourceTest(ListenerTestCase):
    """An archive with an index and a package, beside a directory that is nobody's business."""

    def setUp(self) -> None:
        super().setUp()
        home = self.make_directory()
        self.root = home / "repo"
        self.evil = home / "repo-evil"
        for directory in (self.root / "dists" / "bookworm", self.root / "pool", self.evil):
            directory.mkdir(parents=True)
        (self.root / "dists" / "bookworm" / "Release").write_text("Suite: bookworm\n")
        (self.root / "pool" / "hello_1_amd64.deb").write_bytes(b"!<arch>\n")
        (self.root / ".secret").write_text("secret")
        (self.evil / "secret").write_text("secret")
        self.port = self.listen(
            PublishedResource(
                self.reactor, self.workers, self.find_root, find_names=self.find_names
            )
        )

    async def find_names(self) -> list[str]:
        """The archives by name."""
        return ["main"]

    async def find_root(self, name: str, user: str, password: str) -> Path | None:
        """There is one archive."""
        return {"main": self.root, "unmade": self.root / "unmade"}.get(name)

    async def get_path(self, path: str, **headers: str) -> Answer:
        """Ask for a path below that of all archives."""
        return await self.get(self.port, path, "GET", **headers)

    async def test_files(self) -> None:
        """Files are sent with a type that a browser does not run."""
        answer = await self.get_path("/main/dists/bookworm/Release")
        self.assertEqual((200, b"Suite: bookworm\n"), (answer.status, answer.body))
        self.assertEqual("text/plain; charset=utf-8", answer.headers["content-type"])
        self.assertEqual("nosniff", answer.headers["x-content-type-options"])
        answer = await self.get_path("/main/pool/hello_1_amd64.deb", range="bytes=2-5")
        self.assertEqual((206, b"arch"), (answer.status, answer.body))
        self.assertEqual("application/vnd.debian.binary-package", answer.headers["content-type"])

    async def test_etag_follows_the_content(self) -> None:
        """An index published anew in the same second is sent again; an unchanged one is not."""
        path = "/main/dists/bookworm/Release"
        etag = (await self.get_path(path)).headers["etag"]
        self.assertEqual(304, (await self.get_path(path, if_none_match=etag)).status)
        new = self.root / "dists" / "bookworm" / "Release.new"
        new.write_text("Suite: bookwork\n")
        new.rename(new.with_suffix(""))
        answer = await self.get_path(path, if_none_match=etag)
        self.assertEqual((200, b"Suite: bookwork\n"), (answer.status, answer.body))

    async def test_listing(self) -> None:
        """A directory lists what is in it, with names that cannot become markup."""
        name = '<b onclick="x">&\x1b.deb'
        (self.root / "pool" / name).touch()
        answer = await self.get_path("/main/pool/")
        page = answer.body.decode()
        self.assertEqual("text/html; charset=utf-8", answer.headers["content-type"])
        self.assertIn('<a href="./hello_1_amd64.deb">hello_1_amd64.deb</a>', page)
        self.assertIn("&lt;b onclick=&quot;x&quot;&gt;&amp;\\x1b.deb</a>", page)
        self.assertIn('href="./%3Cb%20onclick%3D%22x%22%3E%26%1B.deb"', page)
        self.assertNotIn("<b ", page)

    async def test_top_of_an_archive(self) -> None:
        """An archive's own directory is listed, without what begins with a dot."""
        page = (await self.get_path("/main/")).body.decode()
        self.assertIn('<a href="./dists/">dists/</a>', page)
        self.assertNotIn("secret", page)

    async def test_list_of_archives(self) -> None:
        """Above the archives they are listed, so that the way up from each leads somewhere."""
        self.assertIn('<a href="./../">', (await self.get_path("/main/")).body.decode())
        page = (await self.get_path("/")).body.decode()
        self.assertIn('<a href="./main/">main/</a>', page)
        self.assertNotIn("..", page)

    async def test_long_listing_is_cut(self) -> None:
        """A directory with very many entries lists the first, and says so."""
        for number in range(MAX_LISTED + 1):
            (self.root / "pool" / f"p{number}").touch()
        page = (await self.get_path("/main/pool/")).body.decode()
        self.assertIn(f"Only {MAX_LISTED} entries are listed.", page)
        self.assertEqual(MAX_LISTED + 1, page.count("<li>"))

    async def test_directory_without_slash(self) -> None:
        """The address of a directory is completed, so that links in its page are right."""
        answer = await self.get_path("/main/dists/bookworm")
        self.assertEqual((301, "./bookworm/"), (answer.status, answer.headers["location"]))

    async def test_nothing_outside(self) -> None:
        """No path leads out of the archive or to hidden files, however it is written."""
        for path in (
            *("/other/", "/unmade/", "/main/nothing", "/main/.secret", "/main//pool/"),
            *("/main/../repo-evil/secret", "/main/%2e%2e/repo-evil/secret", "/main/..%2frepo-evil"),
            *("/main/pool%2fhello_1_amd64.deb", "/main/%00", "/main/%ff", "/main/./pool/"),
            *("/..", "/%2e%2e/", "/main/dists/bookworm/Release/", "/main/pool/hello_1_amd64.deb/x"),
        ):
            self.assertIn((await self.get_path(path)).status, {400, 404}, path)

    async def test_symbolic_links(self) -> None:
        """A link within the archive is followed; one that leaves it does not exist."""
        (self.root / "stable").symlink_to("dists/bookworm")
        (self.root / "out").symlink_to(self.evil)
        (self.root / "out-file").symlink_to(self.evil / "secret")
        (self.root / "loop").symlink_to("loop")
        self.assertEqual(200, (await self.get_path("/main/stable/Release")).status)
        for path in ("/main/out/", "/main/out/secret", "/main/out-file", "/main/loop"):
            self.assertEqual(404, (await self.get_path(path)).status, path)

    async def test_only_regular_files(self) -> None:
        """A pipe in the archive blocks nobody."""
        os.mkfifo(self.root / "pipe")
        self.assertEqual(404, (await self.get_path("/main/pipe")).status)

    async def test_other_methods(self) -> None:
        """Nothing can be written."""
        self.assertEqual(405, (await self.get(self.port, "/main/pool/x", "PUT")).status)


class PrivateArchiveTest(ListenerTestCase):
    """An archive for whom has a token."""

    def setUp(self) -> None:
        super().setUp()
        self.root = self.make_directory()
        (self.root / "Release").write_text("private")
        resource = PublishedResource(
            self.reactor, self.workers, self.find_root, guesses=Guesses(self.reactor.seconds)
        )
        self.port = self.listen(resource)

    async def find_root(self, name: str, user: str, password: str) -> Path | None:
        """Who may read it."""
        return self.root if (name, user, password) == ("secret", "buildd", "token") else None

    async def test_asks_for_a_token(self) -> None:
        """Without the right one it cannot be told from an archive that there never was."""
        answers = [
            await self.get(self.port, path, **headers)
            for path in ("/secret/Release", "/secret/", "/other/Release", "/", "/secret/../x")
            for headers in ({}, {"authorization": basic("buildd", "wrong")})
        ]
        self.assertEqual({401}, {answer.status for answer in answers})
        self.assertEqual(1, len({answer.body for answer in answers}))
        for answer in answers:
            self.assertTrue(answer.headers["www-authenticate"].startswith("Basic "))

    async def test_with_the_token(self) -> None:
        """apt gets the file, and what is not there is not there."""
        token = basic("buildd", "token")
        answer = await self.get(self.port, "/secret/Release", authorization=token)
        self.assertEqual((200, b"private"), (answer.status, answer.body))
        answer = await self.get(self.port, "/secret/nothing", authorization=token)
        self.assertEqual(404, answer.status)

    async def test_many_wrong_tokens(self) -> None:
        """Who guesses is turned away; the right token is good all the same."""
        wrong, right = basic("buildd", "wrong"), basic("buildd", "token")
        statuses = [
            (await self.get(self.port, "/secret/Release", authorization=wrong)).status
            for _ in range(MAX_WRONG + 1)
        ]
        self.assertEqual([401] * MAX_WRONG + [429], statuses)
        answer = await self.get(self.port, "/secret/Release", authorization=right)
        self.assertEqual(200, answer.status)


def basic(user: str, password: str) -> str:
    """The header of Basic credentials."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class OpenBelowTest(ListenerTestCase):
    def test_containment_is_by_component(self) -> None:
        """A sibling whose name begins alike is outside, also through a link."""
        home = self.make_directory()
        for name in ("repo", "repo-evil"):
            (home / name).mkdir()
        (home / "repo-evil" / "file").touch()
        (home / "repo" / "link").symlink_to("../repo-evil/file")
        self.assertIsNone(open_below(home / "repo", ["link"], ""))
        self.assertIsNone(open_below(home / "repo", ["..", "repo-evil", "file"], ""))

    def test_root_may_be_a_link(self) -> None:
        """An operator may keep the archive on another disk."""
        home = self.make_directory()
        (home / "disk").mkdir()
        (home / "disk" / "file").touch()
        (home / "repo").symlink_to("disk")
        found = open_below(home / "repo", ["file"], "")
        assert found is not None
        self.addCleanup(found.stream.close)  # type: ignore[union-attr]
