"""Source packages, submitted to the web service."""

import hashlib
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import builds, people
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import ArchiveRight
from tests.functional.webservice.cases import RELEASES, WebServiceTestCase

#: Larger than any buffer on the way.
LARGE = 20_000_000


def package(version: str = "1.0", size: int = 1000) -> dict[str, bytes]:
    """A source package's files by name, the `.dsc` first."""
    contents = {f"hello_{version}.orig.tar.gz": b"x" * size, f"hello_{version}.diff.gz": b"diff"}
    lines = "".join(
        f"\n {hashlib.sha256(content).hexdigest()} {len(content)} {name}"
        for name, content in contents.items()
    )
    fields = f"Source: hello\nVersion: {version}\nArchitecture: any\nBinary: hello\n"
    dsc = f"{fields}Checksums-Sha256:{lines}\n".encode()
    return {f"hello_{version}.dsc": dsc, **contents}


def form(files: Mapping[str, bytes], **fields: str) -> bytes:
    """A form as curl sends it, with the boundary `b`."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in {"ws.op": "submitSource", "suite": "bookworm", **fields}.items()
    ]
    for name, content in files.items():
        disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts.append(f"--b\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + b"--b--\r\n"


class SubmitTests(WebServiceTestCase):
    """`ann` is a moderator; `bert` may upload to `main`, and `carl` may not."""

    async def setUp(self) -> None:
        await super().setUp()
        now = utc_now()
        await self.farm.write(people.add_person, "carl", "Carl", False, "test", now)
        await self.farm.write(people.grant, "main", "bert", ArchiveRight.UPLOAD, "test", now)

    async def post(
        self,
        body: bytes,
        person: str | None = "bert",
        level: AccessLevel = AccessLevel.WRITE,
        *,
        archive: str = "main",
        **headers: str,
    ) -> tuple[int, str, str | None]:
        """Status, body and Location of the answer to this body."""
        sent = {"content-type": "multipart/form-data; boundary=b", **headers}
        if person is not None:
            token = await self.token(person, level)
            sent["authorization"] = (
                'OAuth oauth_consumer_key="test", oauth_signature_method="PLAINTEXT", '
                f'oauth_token="{token.key}", oauth_signature="%26{token.secret}"'
            )

        def asking() -> tuple[int, str, str | None]:
            connection = http.client.HTTPConnection("127.0.0.1", self.farm.web_port, timeout=30)
            try:
                address = f"/devel/debian/+archive/{archive}"
                connection.request("POST", address, body, sent)
                answer = connection.getresponse()
                return answer.status, answer.read().decode(), answer.getheader("Location")
            finally:
                connection.close()

        return await deferToThread(asking)

    def kept(self) -> list[Path]:
        """Every file of the file store, finished or not."""
        return [path for path in self.farm.settings.store_dir.rglob("*") if path.is_file()]

    async def assert_refused(self, status: int, sentence: str, *args: Any, **details: Any) -> None:
        """That this is answered so, and leaves no file and no build behind."""
        found, words, _ = await self.post(*args, **details)
        self.assertEqual((status, sentence), (found, words))
        self.assertEqual([], self.kept())
        self.assertEqual((), await self.farm.read(builds.builds))

    async def test_submitted(self) -> None:
        """Whoever may upload gets the builds that follow, and the source they are of."""
        status, body, location = await self.post(form(package(size=LARGE)))
        self.assertEqual(201, status, body)
        [build] = json.loads(body)
        self.assertEqual(("amd64", "Needs building"), (build["arch_tag"], build["buildstate"]))
        self.assertEqual(
            f"{self.root}devel/debian/+archive/main/+sourcepub/{build['id']}", location
        )
        self.assertEqual("bert", (await self.farm.build(build["id"])).requester)
        self.assertEqual(3, len(self.kept()))

    async def test_by_launchpadlib(self) -> None:
        """Unmodified clients send the files without their names."""
        bert = await self.credentials("bert", AccessLevel.WRITE)
        for release in RELEASES:
            found = await self.script(release, "submitting", self.root, bert)
            bad, unauthorized = ["BadRequest", 400], ["Unauthorized", 401]
            self.assertEqual([bad, bad, unauthorized], found["refused"], release)
            self.assertEqual(bad, found["again"])
            self.assertEqual(*found["version"])
            self.assertEqual([["amd64", "Needs building", "bert"]], found["builds"])

    async def test_score(self) -> None:
        """A moderator says how early it goes; an uploader does not."""
        words = "bert is not in launchpad-buildd-admins, who alone may rescore a build."
        await self.assert_refused(401, words, form(package(), score="5"))
        status, body, _ = await self.post(form(package(), score="5"), "ann")
        self.assertEqual((201, 5), (status, json.loads(body)[0]["score"]))

    async def test_who_may_not(self) -> None:
        """Nobody without a name, a right or the level: told before a byte of it is read."""
        broken = b"this is no form" + bytes(LARGE)
        for person, level, words in (
            (None, AccessLevel.READ, "To submit sources you have to log in, or use a token."),
            ("carl", AccessLevel.WRITE, "carl may not submit sources in the archive main."),
            (
                "bert",
                AccessLevel.READ,
                "This token of bert allows read; to submit sources takes write.",
            ),
        ):
            with self.subTest(person=person):
                await self.assert_refused(401, words, broken, person, level)

    async def test_nothing_there(self) -> None:
        """No archive, and an address that takes no files."""
        status, words, _ = await self.post(form(package()), archive="none")
        self.assertEqual((404, "There is nothing at /debian/+archive/none."), (status, words))

    async def test_refused_whole(self) -> None:
        """Whatever is wrong is told in a sentence, and nothing is kept."""
        whole = package()
        dsc, orig, diff = whole
        outside = {**whole, "../../evil": b"x"}
        for files, fields, words in (
            (
                {**whole, orig: b"y" * 1000},
                {},
                f"{orig} does not have the SHA-256 that {dsc} says.",
            ),
            ({**whole, orig: b"x" * 999}, {}, f"{orig} has 999 bytes, but {dsc} says 1000."),
            ({dsc: whole[dsc], diff: b"diff"}, {}, f"{dsc} names {orig}, which is not there."),
            ({**whole, "more": b""}, {}, f"more is not named by {dsc}."),
            (outside, {}, f"../../evil is not named by {dsc}."),
            (whole, {"suite": "sid"}, "The archive main has no suite 'sid' (it has: bookworm)."),
            (whole, {"colour": "red"}, "submitSource takes no 'colour'."),
            (whole, {"ws.op": "retry"}, "Of /debian/+archive/main only submitSource takes files."),
        ):
            with self.subTest(words=words):
                await self.assert_refused(400, words, form(files, **fields))

    async def test_no_form(self) -> None:
        """What is cut off, has no boundary, or is no form at all."""
        cut = form(package())[:-30]
        await self.assert_refused(400, "The form has no end.", cut)
        words = "The Content-Type of a form names the boundary between its parts."
        headers = {"content-type": "multipart/form-data"}
        await self.assert_refused(400, words, cut, **headers)

    async def test_client_gone(self) -> None:
        """A client that goes half-way leaves nothing, and its place to the next."""
        token = await self.token("bert", AccessLevel.WRITE)
        body = form(package(size=LARGE))

        def leave() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.farm.web_port, timeout=30)
            connection.putrequest("POST", "/devel/debian/+archive/main")
            connection.putheader("Content-Type", "multipart/form-data; boundary=b")
            connection.putheader("Content-Length", str(len(body)))
            signature = f'oauth_token="{token.key}", oauth_signature="%26{token.secret}"'
            connection.putheader("Authorization", f'OAuth oauth_consumer_key="t", {signature}')
            connection.endheaders()
            connection.send(body[: LARGE // 2])
            connection.close()

        for _ in range(10):
            await deferToThread(leave)
        await self.wait_until(self._is_left, what="the farm to notice")
        self.assertEqual([], self.kept())
        status, words, _ = await self.post(body)
        self.assertEqual(201, status, words)

    async def test_too_long(self) -> None:
        """More than `[web] max_upload` is refused unread."""
        most = self.farm.settings.web.max_upload
        headers = {"content-length": str(most + 1)}
        words = f"The body has {most + 1} bytes; at most {most} are taken here."
        await self.assert_refused(413, words, b"", **headers)
