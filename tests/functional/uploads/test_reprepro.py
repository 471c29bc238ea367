"""The `reprepro` uploader with the real reprepro: each upload appears once, or not at all."""

import os
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import fixtures
from debian.deb822 import Deb822

from buildfarm.farmtesting.packages import Results, deb
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import UploadTask
from tests.functional.uploads.publishing import Killed, PublishingTestCase, hello

STEPS = [
    "upload.checked",
    "upload.saved",
    "upload.included",
    "upload.verified",
    "upload.committed",
]
POOL = "pool/main/h/hello"


class RepreproTestCase(PublishingTestCase):
    """Uploads of hello into an archive of one suite."""

    uploader = UploaderKind.REPREPRO

    def upload(
        self, version: str = "1.0", number: int = 1, results: Results | None = None, **options: Any
    ) -> None:
        """One try to publish a version of hello, as build `number`."""
        files = self.spool(results or hello(version), number)
        self.publish(files, self.task_of(version, number), **options)

    def task_of(self, version: str, number: int = 1, **changed: Any) -> UploadTask:
        """The upload of a version of hello, as build `number`."""
        return self.task(number=number, version=version, **changed)

    def listed(self, architecture: str = "amd64", suite: str = "bookworm") -> list[str]:
        """The packages that apt sees, each with its version."""
        index = self.root / f"public/dists/{suite}/main/binary-{architecture}/Packages"
        return [
            f"{stanza['Package']} {stanza['Version']}"
            for stanza in Deb822.iter_paragraphs(index.read_text())
        ]

    def pool(self) -> list[str]:
        """The names of the files in the pool."""
        return sorted(path.name for path in (self.root / "public" / "pool").rglob("*.*deb"))

    def reprepro(self, *arguments: str) -> str:
        """Ask the tool itself, as an operator would; it must succeed."""
        command = ["reprepro", "--basedir", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def assert_sound(self) -> None:
        """What reprepro checks of itself is as it should be, and no try has left anything."""
        self.reprepro("check")
        self.reprepro("checkpool")
        left = {"conf", "db", "public", "published", "keys"}
        self.assertEqual(set(), {path.name for path in self.root.iterdir()} - left)

    def assert_published_once(self, version: str = "1.0") -> None:
        """Exactly this version is in index and pool."""
        self.assertEqual([f"hello {version}", f"hello-data {version}"], self.listed())
        self.assertEqual([f"hello-data {version}"], self.listed("arm64"))
        expected = [f"hello-data_{version}_all.deb", f"hello_{version}_amd64.deb"]
        self.assertEqual(expected, self.pool())
        self.assert_sound()


class TestPublishing(RepreproTestCase):
    def test_published(self) -> None:
        """Packages are in the pool and in the indexes of every architecture that they are for."""
        self.upload()
        self.assert_published_once()
        self.assertEqual(STEPS, self.steps)

    def test_again(self) -> None:
        """Publishing what is published already changes nothing, with the ledger and without."""
        self.upload()
        before = (self.root / "public/dists/bookworm/Release").stat().st_mtime_ns
        self.upload()
        (self.root / "published").unlink()
        self.upload()
        self.assert_published_once()
        self.assertEqual(before, (self.root / "public/dists/bookworm/Release").stat().st_mtime_ns)

    def test_published_and_superseded_meanwhile(self) -> None:
        """An upload that was published counts as such, although a newer one has replaced it."""
        self.upload("1.0", 1)
        self.upload("2.0", 2)
        self.upload("1.0", 1)
        self.assertEqual(["hello 2.0", "hello-data 2.0"], self.listed())

    def test_newer_version(self) -> None:
        """A newer version replaces the older; its files leave the pool with the next upload."""
        for number, version in enumerate(("1.0", "2.0", "3.0"), 1):
            self.upload(version, number)
        self.assertEqual(["hello 3.0", "hello-data 3.0"], self.listed())
        self.assertEqual(
            [
                f"hello{kind}.deb"
                for kind in ("-data_2.0_all", "-data_3.0_all", "_2.0_amd64", "_3.0_amd64")
            ],
            self.pool(),
        )
        self.assert_sound()

    def test_older_version(self) -> None:
        """An older version is refused for good, and changes nothing."""
        self.upload("2.0")
        with self.assertRaisesRegex(
            UploadRefused, "main/bookworm has hello.* 2.0 already, which is newer than 1.0"
        ):
            self.upload("1.0", 2)
        self.assert_published_once("2.0")

    def test_other_contents(self) -> None:
        """The same version with other contents is refused for good, and changes nothing."""
        self.upload()
        with self.assertRaisesRegex(UploadRefused, "has hello 1.0 already, with other contents"):
            self.upload("1.0", 2, hello(content=b"changed\n"))
        self.assert_published_once()

    def test_other_contents_in_another_suite(self) -> None:
        """Suites share a pool: the same version cannot have other contents in another suite."""
        self.archive = self.make_archive(suites=("bookworm", "trixie"))
        self.upload()
        files = self.spool(hello(content=b"changed\n"), 2)
        with self.assertRaisesRegex(UploadRefused, "_1.0_amd64.deb already, with other contents"):
            self.publish(files, self.task_of("1.0", 2, suite="trixie"))
        self.assertEqual([], self.listed(suite="trixie"))
        self.assert_published_once()

    def test_every_kind_of_package(self) -> None:
        """Debug symbols, installer parts, epochs, unclassified packages, library prefixes."""
        binaries = ("libhello", "libhello-udeb")
        results = Results(
            files={
                "libhello_2_amd64.deb": deb("libhello", "1:2", fields={"Section": ""}),
                "libhello-dbgsym_2_amd64.ddeb": deb("libhello-dbgsym", "1:2", source="libhello"),
                "libhello-udeb_2_amd64.udeb": deb("libhello-udeb", "1:2", source="libhello"),
                "libhello_2_amd64.buildinfo": b"Format: 1.0\n",
            },
            changes_fields={"Version": "1:2", "Source": "libhello"},
        )
        task = self.task(source="libhello", version="1:2", binaries=binaries)
        self.publish(self.spool(results), task)
        self.assertEqual(["libhello 1:2", "libhello-dbgsym 1:2"], self.listed())
        expected = [
            "libhello-dbgsym_2_amd64.deb",
            "libhello-udeb_2_amd64.udeb",
            "libhello_2_amd64.deb",
        ]
        self.assertEqual(expected, self.pool())
        self.publish(self.spool(results), task)
        self.assert_sound()

    def test_not_there(self) -> None:
        """An archive that is not mounted is waited for, not made anew."""
        self.root.rename(self.home / "elsewhere")
        self.root.mkdir()
        with self.assertRaisesRegex(UploadPostponed, "holds no archive"):
            self.upload()
        self.assertEqual([], [*self.root.iterdir()])

    def test_operator_at_work(self) -> None:
        """A reprepro of an operator's is not disturbed: the upload is tried again later."""
        lock = self.root / "db" / "lockfile"
        lock.touch()
        with self.assertRaisesRegex(UploadPostponed, "db/lockfile says"):
            self.upload()
        lock.unlink()
        self.upload()
        self.assert_published_once()

    def test_changed_archive(self) -> None:
        """A suite that was added, and one that was taken out, are met with by the next upload."""
        self.upload()
        self.archive = replace(self.archive, suites=("trixie",))
        files = self.spool(hello("2.0"), 2)
        self.publish(files, self.task_of("2.0", 2, suite="trixie"))
        self.assertEqual(["hello 2.0", "hello-data 2.0"], self.listed(suite="trixie"))

    def test_file_missing_in_the_pool(self) -> None:
        """Success of reprepro proves nothing: what it only believes to have is not there."""
        self.upload()
        (self.root / "public" / POOL / "hello_1.0_amd64.deb").unlink()
        (self.root / "published").unlink()
        with self.assertRaisesRegex(UploadPostponed, "reprepro succeeded, but"):
            self.upload()


class TestKills(RepreproTestCase):
    """Whatever is killed and whenever, the next try publishes, once."""

    def setUp(self) -> None:
        super().setUp()
        self.upload("1.0", 1)

    def test_killed_at_each_step(self) -> None:
        """A try that is cut off at a checkpoint."""
        for number, fatal in enumerate(STEPS, 2):
            version = f"{number}.0"
            options = {"checkpoint": self.killing_at(fatal)}
            self.assertRaises(Killed, self.upload, version, number, **options)
            self.upload(version, number)
            self.assertEqual([f"hello {version}", f"hello-data {version}"], self.listed())
            self.assert_sound()

    def test_manager_killed_at_each_step(self) -> None:
        """The child of a killed manager takes back what it began; the next one publishes."""
        for number, last in enumerate(STEPS, 2):
            version = f"{number}.0"
            files = self.spool(hello(version), number)
            self.orphan_at(last, files, self.task_of(version, number))
            self.upload(version, number)
            self.assertEqual([f"hello {version}", f"hello-data {version}"], self.listed())
            self.assert_sound()

    def test_another_upload_comes_first(self) -> None:
        """What a killed try left is taken back by whoever comes next."""
        self.assertRaises(
            Killed, self.upload, "2.0", 2, checkpoint=self.killing_at("upload.included")
        )
        other = Results(
            files={"other_1_amd64.deb": deb("other", "1")},
            changes_fields={"Source": "other", "Version": "1"},
        )
        task = self.task(number=3, source="other", version="1", binaries=("other",))
        self.publish(self.spool(other, 3), task)
        self.assertEqual(["hello 1.0", "hello-data 1.0", "other 1"], self.listed())
        self.assert_sound()
        self.upload("2.0", 2)
        self.assertEqual(["hello 2.0", "hello-data 2.0", "other 1"], self.listed())
        self.assert_sound()

    def test_reprepro_killed_while_it_exports(self) -> None:
        """The case in which reprepro, simply run again, deletes the package from the pool."""
        hook = self.home / "sign"
        hook.write_text(f"#!/bin/sh\nrm {hook}.armed && kill -9 0\ncp $1 $2\ncp $1 $3\n")
        hook.chmod(0o755)
        self.archive = replace(self.archive, key_id=f"!{hook}")
        Path(f"{hook}.armed").touch()
        with self.assertRaisesRegex(UploadPostponed, "broke off with exit code -9"):
            self.upload("2.0", 2)
        self.assertTrue((self.root / "uploading.json").exists())
        self.upload("2.0", 2)
        self.assertEqual(["hello 2.0", "hello-data 2.0"], self.listed())
        self.assert_sound()

    def test_reprepro_killed_at_any_moment(self) -> None:
        """reprepro, and with it the whole child, is killed a little later each time."""
        programs = self.home / "programs"
        programs.mkdir()
        real, delay = shutil.which("reprepro"), programs / "delay"
        wrapper = programs / "reprepro"
        wrapper.write_text(
            f'#!/bin/sh\ncase "$*" in *includedeb*) [ -e {delay} ] && {real} "$@" &\n'
            f'[ -e {delay} ] && sleep $(cat {delay}) && kill -9 0;; esac\nexec {real} "$@"\n'
        )
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        path = f"{programs}:{os.environ['PATH']}"
        self.useFixture(fixtures.EnvironmentVariable("PATH", path))
        self.start_children()
        for number, after in enumerate(range(0, 30, 2), 2):
            delay.write_text(f"0.{after:03}")
            version = f"{number}.0"
            self.assertRaises(UploadPostponed, self.upload, version, number)
            delay.unlink()
            self.upload(version, number)
            self.assertEqual([f"hello {version}", f"hello-data {version}"], self.listed())
            self.assert_sound()
