"""The verbs of the control socket: what each answers, and in which words it refuses."""

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from buildfarm.admin import buildlogs
from buildfarm.admin.farm import Caller, OfferedFile
from buildfarm.admin.verbs import VERBS, call
from buildfarm.filestore.logs import store_log
from buildfarm.vocab.announcements import BuilderChanged
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.states import BuildOutcome
from tests.functional.admin.cases import FakeLive, VerbTestCase

BOB = {"name": "bob", "url": "http://bob.example:8221/", "processors": ["amd64"]}


class TestCall(VerbTestCase):
    async def test_unknown_verb(self) -> None:
        """A verb of another version is refused."""
        self.assertEqual(
            "'builder.paint' is no verb of this manager; is the command of another version?",
            await self.refusal("builder.paint"),
        )

    async def test_parameters(self) -> None:
        """Missing, unknown and mistyped parameters are refused by name."""
        for params, fault in (
            ({}, "name: Field required"),
            ({"name": "bob", "colour": 1}, "colour: Extra inputs are not permitted"),
            ({"name": 1}, "name: Input should be a valid string"),
        ):
            sentence = await self.refusal("builder.show", **params)
            self.assertEqual(f"builder.show cannot be asked so: {fault}.", sentence)

    async def test_values_that_the_database_cannot_hold(self) -> None:
        """A number beyond 64 bits, half a character, a NUL: refused before the verb runs."""
        for params, fault in (
            ({"build_id": 2**63}, "build_id: Input should be less than 9223372036854775808"),
            ({"build_id": "\udcff"}, "a value is not UTF-8 text"),
            ({"build_id": "a\0b"}, "a value holds the character NUL"),
        ):
            sentence = await self.refusal("build.show", **params)
            self.assertEqual(f"build.show cannot be asked so: {fault}.", sentence)
        self.assertIn("no builder", await self.refusal("builder.show", name="\\u0000"))

    async def test_every_verb_checks_its_parameters(self) -> None:
        """No verb takes a parameter that it does not know."""
        for verb in VERBS:
            self.assertIn("colour: Extra inputs", await self.refusal(verb, colour=1))


class TestBuilders(VerbTestCase):
    async def test_add(self) -> None:
        """A builder is added DIRTY, and its scanner hears of it."""
        found = await self.do("builder.add", **BOB)
        self.assertEqual(
            ("bob", "http://bob.example:8221", ["amd64"], "DIRTY", True),
            tuple(found[key] for key in ("name", "url", "processors", "clean_status", "builderok")),
        )
        self.assertEqual([BuilderChanged(found["id"])], self.announcements)

    async def test_add_refused(self) -> None:
        """A URL, a name, a protocol that cannot be."""
        for changed, sentence in (
            ({"url": "ftp://bob"}, "A builder cannot be at 'ftp://bob'"),
            ({"name": "Bob"}, "'Bob' is no name for a builder"),
            ({"processors": []}, "The builder bob needs at least one processor."),
            ({"virtualized": True}, "The virtual builder bob needs a VM host"),
            ({"vm_reset_protocol": "3"}, "vm_reset_protocol: Input should be '1.1' or '2.0'"),
        ):
            self.assertIn(sentence, await self.refusal("builder.add", **{**BOB, **changed}))
        self.assertEqual([], await self.do("builder.list"))

    async def test_change(self) -> None:
        """Only what is named is changed; None takes a value away."""
        await self.do("builder.add", **BOB)
        changes: dict[str, Any] = {"builderok": False, "failnotes": "disk"}
        found = await self.do("builder.set", name="bob", changes=changes)
        self.assertEqual(
            (False, "disk", False), (found["builderok"], found["failnotes"], found["manual"])
        )
        found = await self.do("builder.set", name="bob", changes={"failnotes": None})
        self.assertEqual((False, None), (found["builderok"], found["failnotes"]))

    async def test_end_of_an_asynchronous_reset(self) -> None:
        """`clean_status` CLEAN is how the reset infrastructure reports the end."""
        await self.do("builder.add", **BOB)
        found = await self.do("builder.set", name="bob", changes={"clean_status": "CLEAN"})
        self.assertEqual("CLEAN", found["clean_status"])

    async def test_change_refused(self) -> None:
        """Unknown fields, other types and bad URLs change nothing."""
        await self.do("builder.add", **BOB)
        for changes, sentence in (
            ({"id": 7}, "changes.id: Extra inputs are not permitted"),
            ({"processors": "amd64"}, "changes.processors: Input should be a valid"),
            ({"clean_status": "SHINY"}, "changes.clean_status: Input should be 'CLEAN'"),
            ({"url": "http://user:pw@bob"}, "A builder cannot be at"),
            ({"builderok": 1}, "changes.builderok: Input should be a valid boolean"),
        ):
            self.assertIn(sentence, await self.refusal("builder.set", name="bob", changes=changes))
        self.assertEqual(
            "There is no builder 'eve'.", await self.refusal("builder.set", name="eve", changes={})
        )

    async def test_list_and_show(self) -> None:
        """Each builder is told with the build that it holds; one, with its events as well."""
        self.submit()
        self.start(self.add_builder())
        (listed,) = await self.do("builder.list")
        self.assertEqual(("bob", 1), (listed["name"], listed["build"]))
        shown = await self.do("builder.show", name="bob")
        self.assertEqual("hello 1.0-1 amd64 in main/bookworm", shown["build_title"])
        self.assertEqual("the builder was added", shown["events"][0]["reason"])
        self.assertEqual("2026-01-01T00:00:00.000Z", shown["events"][0]["time"])

    async def test_remove(self) -> None:
        """A builder with a job is removed only by force; it is listed no more but not forgotten."""
        self.submit()
        self.start(self.add_builder())
        self.assertIn("is building build 1", await self.refusal("builder.remove", name="bob"))
        found = await self.do("builder.remove", name="bob", force=True)
        self.assertFalse(found["active"])
        self.assertEqual([], await self.do("builder.list"))
        self.assertEqual(1, len(await self.do("builder.list", include_inactive=True)))


def chroot(*names: str) -> bytes:
    """A compressed tarball."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return content.getvalue()


class TestChroots(VerbTestCase):
    PLACE: ClassVar = {"distribution": "debian", "series": "trixie", "architecture": "amd64"}

    async def test_set(self) -> None:
        """The tarball is kept, and builds start from it."""
        tarball = chroot("chroot-autobuild/bin")
        found = await self.do("chroot.set", {"c.tar.gz": tarball}, **self.PLACE)
        self.assertEqual(len(tarball), found["size"])
        self.assertEqual([found["sha256"]], [path.name for path in self.kept()])
        self.assertIn(found, await self.do("chroot.list"))

    async def test_refused(self) -> None:
        """Bad names, other files, and no file or several, leave nothing behind."""
        good = {"c.tar": chroot("chroot-autobuild/bin")}
        before = await self.do("chroot.list")
        for files, changed, sentence in (
            (good, {"series": "../x"}, "'../x' is no name"),
            ({"c.tar": b"x"}, {}, "c.tar is not a tarball"),
            ({"c.tar": chroot("bin")}, {}, "it has bin at its top"),
            ({}, {}, "Exactly one file belongs to this request, not 0."),
            ({**good, "d.tar": b""}, {}, "Exactly one file belongs to this request, not 2."),
        ):
            sentence_found = await self.refusal("chroot.set", files, **{**self.PLACE, **changed})
            self.assertIn(sentence, sentence_found)
        self.assertEqual([], self.kept())
        self.assertEqual(before, await self.do("chroot.list"))

    async def test_what_the_system_refuses(self) -> None:
        """A fault of our disk is told with the file that it happened to."""
        shutil.rmtree(self.state_dir / "files")
        sentence = await self.refusal(
            "chroot.set", {"c.tar": chroot("chroot-autobuild")}, **self.PLACE
        )
        self.assertRegex(sentence, "^chroot.set failed: /.*: No such file or directory.$")


class TestArchives(VerbTestCase):
    NEW: ClassVar = {
        "name": "extra",
        "distribution": "debian",
        "suites": ["bookworm"],
        "architectures": ["amd64"],
        "nominated_architecture": "amd64",
        "uploader": "directory",
    }

    async def test_add(self) -> None:
        """The archive is added and what its uploader needs is there, in the state directory."""
        found = await self.do("archive.add", **self.NEW)
        self.assertEqual(str(self.state_dir / "archives" / "extra"), found["path"])
        self.assertTrue((Path(found["path"]) / "incoming").is_dir())
        names = [one["name"] for one in await self.do("archive.list")]
        self.assertEqual(["extra", "main"], names)

    async def test_add_elsewhere(self) -> None:
        """A path may be named, an absolute one."""
        path = str(self.directory / "elsewhere")
        self.assertEqual(path, (await self.do("archive.add", **self.NEW, path=path))["path"])
        sentence = await self.refusal("archive.add", **{**self.NEW, "name": "x"}, path="here")
        self.assertEqual("here is not an absolute path.", sentence)

    async def test_refused(self) -> None:
        """What is refused leaves no row and no directory."""
        for changed, sentence in (
            ({"name": "main"}, "There is an archive main already."),
            ({"name": "../x"}, "'../x' is no name for an archive"),
            ({"nominated_architecture": "i386"}, "The archive extra nominates 'i386'"),
            ({"suites": []}, "The archive extra needs at least one suite."),
            ({"uploader": "ftp"}, "uploader: Input should be 'directory', 'reprepro' or 'command'"),
            ({"uploader": "command"}, "needs the path of the program"),
            ({"uploader": "command", "path": "/none"}, "/none is no program that can be run."),
            ({"make_key": True}, "Only reprepro signs what it publishes, not directory."),
        ):
            self.assertIn(sentence, await self.refusal("archive.add", **{**self.NEW, **changed}))
        self.assertEqual(["main"], [one["name"] for one in await self.do("archive.list")])
        self.assertFalse((self.state_dir / "archives").exists())

    async def test_place_of_another(self) -> None:
        """reprepro keeps no archive where another one is, below it or above it, links followed."""
        place = self.directory / "apt"
        await self.do("archive.add", **{**self.NEW, "uploader": "reprepro"}, path=str(place))
        link = self.directory / "link"
        link.symlink_to(place)
        before = (place / "conf" / "distributions").read_bytes()
        for path in (place, place / "x", self.directory, place / ".." / "apt", link):
            for kind in ("directory", "reprepro"):
                new = {**self.NEW, "name": "other", "uploader": kind, "path": str(path)}
                sentence = await self.refusal("archive.add", **new)
                self.assertIn(f"{place} is the archive extra's.", sentence)
        self.assertEqual(before, (place / "conf" / "distributions").read_bytes())

    async def test_change(self) -> None:
        """A change that is refused changes nothing; another is made."""
        await self.do("archive.add", **self.NEW)
        for changes, sentence in (
            ({"architectures": ["i386"]}, "nominates 'amd64'"),
            ({"path": "/x"}, "changes.path: Extra inputs are not permitted"),
        ):
            self.assertIn(
                sentence, await self.refusal("archive.set", name="extra", changes=changes)
            )
        found = await self.do("archive.set", name="extra", changes={"suites": ["trixie"]})
        self.assertEqual(["trixie"], found["suites"])


class TestBuilds(VerbTestCase):
    async def test_list(self) -> None:
        """Builds are listed, the latest first, with the builder of the last attempt."""
        self.submit("hello")
        self.start(self.add_builder())
        self.submit("world")
        found = await self.do("build.list")
        self.assertEqual(
            [("world", None), ("hello", "bob")], [(one["source"], one["builder"]) for one in found]
        )
        self.assertEqual(
            ["world"],
            [one["source"] for one in await self.do("build.list", states=["NEEDSBUILD"])],
        )
        self.assertEqual(1, len(await self.do("build.list", limit=1)))

    async def test_list_refused(self) -> None:
        """An unknown state and an impossible limit."""
        self.assertIn("states.0: Input should be", await self.refusal("build.list", states=["X"]))
        self.assertEqual(
            "The limit 0 is not between 1 and 10000.", await self.refusal("build.list", limit=0)
        )

    async def test_show(self) -> None:
        """A build is shown with its place, its attempts and its story."""
        self.submit()
        self.start(self.add_builder())
        found = await self.do("build.show", build_id=1)
        self.assertEqual("BUILDING", found["state"])
        self.assertEqual("bob", found["attempts"][0]["builder_name"])
        self.assertEqual("RUNNING", found["queue"]["state"])
        self.assertEqual("NEEDSBUILD", found["events"][0]["after"])

    async def test_unknown_build(self) -> None:
        """A build that is not there is refused by every verb."""
        for verb in ("show", "log", "cancel", "retry", "why"):
            self.assertEqual(
                "There is no build 9.", await self.refusal(f"build.{verb}", build_id=9)
            )

    async def test_cancel_and_retry(self) -> None:
        """A waiting build is cancelled at once, and may be tried again."""
        self.submit()
        self.assertEqual("CANCELLED", (await self.do("build.cancel", build_id=1))["state"])
        self.assertIn("cannot be cancelled", await self.refusal("build.cancel", build_id=1))
        self.assertEqual("NEEDSBUILD", (await self.do("build.retry", build_id=1))["state"])
        self.assertIn("cannot be retried", await self.refusal("build.retry", build_id=1))
        events = (await self.do("build.show", build_id=1))["events"]
        self.assertEqual({"alice"}, {one["actor"] for one in events})

    async def test_rescore(self) -> None:
        """A waiting build gets another place."""
        self.submit("hello")
        self.submit("world")
        await self.do("build.rescore", build_id=2, score=5)
        self.assertEqual(1, (await self.do("build.show", build_id=2))["position"])

    async def test_why(self) -> None:
        """A waiting build says why, with what pauses the farm."""
        self.submit()
        self.live = FakeLive()
        self.live.paused = ("the disk is full",)
        found = await self.do("build.why", build_id=1)
        self.assertIn("the disk is full", " ".join(found["summary"]))


class TestLogs(VerbTestCase):
    def keep_log(self, content: bytes) -> StoredFile:
        """A log in the file store."""
        return store_log(self.filestore, io.BytesIO(content), max_bytes=10**8)

    def end_with_log(self, content: bytes) -> None:
        """Let build 1 run on bob and fail with this log."""
        self.submit()
        order = self.start(self.add_builder())
        self.end(order, BuildOutcome.PACKAGEFAIL, log=self.keep_log(content))

    async def test_stored(self) -> None:
        """The log of an ended build is sent in pieces, characters on their seams whole."""
        content = "ä€\n".encode() * 40_000
        self.end_with_log(content)
        found = await self.do("build.log", build_id=1)
        self.assertEqual("FAILEDTOBUILD", found["state"])
        self.assertTrue(len(self.parts) > 1)
        self.assertEqual(content.decode(), "".join(self.parts))

    async def test_given_up(self) -> None:
        """Where the log was too old to be kept, the sentence says so."""
        self.end_with_log(b"it failed")
        self.submit(version="2.0-1")
        self.pass_time(self.settings.retention.logs + 1)
        self.assertEqual(1, (await self.do("sweep"))["logs"])
        self.assertEqual(
            "Build 1 has no log any more: once a newer version was submitted, logs are kept for "
            "180 days ([retention] logs).",
            await self.refusal("build.log", build_id=1),
        )

    async def test_none(self) -> None:
        """A build that never ran has no log."""
        self.submit()
        self.assertEqual(
            "Build 1 has no log: it is NEEDSBUILD.", await self.refusal("build.log", build_id=1)
        )

    async def test_running(self) -> None:
        """The log of a running build is what its builder has so far, and is watched meanwhile."""
        self.submit()
        self.start(self.add_builder())
        self.live = live = FakeLive()
        live.log = b"x" * 100_000
        found = await self.do("build.log", build_id=1)
        self.assertEqual("BUILDING", found["state"])
        self.assertEqual(100_000, len("".join(self.parts)))
        self.assertEqual([1], live.watched)

    async def test_followed_to_its_end(self) -> None:
        """A followed log is sent as it grows, and its end comes from the file store."""
        self.patch(buildlogs, "FOLLOW_INTERVAL", 0.01)
        self.submit()
        order = self.start(self.add_builder())
        self.live = live = FakeLive()
        live.log = b"one\n"
        followed = Deferred.fromCoroutine(self.do("build.log", build_id=1, follow=True))
        await self.wait_until(lambda: "".join(self.parts) == "one\n")
        live.log = b"one\ntwo\n"
        await self.wait_until(lambda: "".join(self.parts) == "one\ntwo\n")
        live.log = None
        self.end(order, BuildOutcome.PACKAGEFAIL, log=self.keep_log(b"one\ntwo\nthree\n"))
        self.assertEqual("FAILEDTOBUILD", (await followed)["state"])
        self.assertEqual("one\ntwo\nthree\n", "".join(self.parts))

    async def test_followed_before_it_began(self) -> None:
        """Whoever follows a waiting build sees its log from the first line."""
        self.patch(buildlogs, "FOLLOW_INTERVAL", 0.01)
        self.submit()
        self.live = live = FakeLive()
        followed = Deferred.fromCoroutine(self.do("build.log", build_id=1, follow=True))
        await self.wait_until(lambda: len(self.parts) > 1)
        live.log = b"one\n"
        order = self.start(self.add_builder())
        await self.wait_until(lambda: "".join(self.parts) == "one\n")
        self.end(order, BuildOutcome.PACKAGEFAIL, log=self.keep_log(b"one\n"))
        await followed
        self.assertEqual("one\n", "".join(self.parts))


class TestBackup(VerbTestCase):
    async def test_backup(self) -> None:
        """The database is copied into the file that the caller made."""
        self.submit()
        with tempfile.NamedTemporaryFile() as target:

            async def send(part: Any) -> None:
                """No pieces."""

            caller = Caller("alice", (OfferedFile("b", target.file),), send)
            answer = await call(self.farm(), caller, "backup", {})
            self.assertEqual(os.fstat(target.fileno()).st_size, answer["size"])
            connection = sqlite3.connect(target.name)
            self.addCleanup(connection.close)
            self.assertEqual([(1,)], connection.execute("SELECT id FROM build").fetchall())
        self.assertEqual([], list(self.state_dir.glob("backup-*")))
