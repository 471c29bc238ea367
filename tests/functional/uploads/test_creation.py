"""What an archive is made of before its first upload."""

import subprocess
from pathlib import Path
from typing import Any

from buildfarm.farmtesting.uploadtasks import archive
from buildfarm.flow.lockfiles import try_hold
from buildfarm.uploads import creation
from buildfarm.uploads.creation import create_archive
from buildfarm.uploads.locks import archive_lock
from buildfarm.uploads.published import published_directory
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import UploaderKind
from tests.functional.uploads.apt import AptTestCase
from tests.functional.uploads.publishing import Killed, hello

SUITES = ("bookworm", "bookworm-updates")


class CreationTestCase(AptTestCase):
    """Archives in a directory that does not exist yet."""

    uploader = UploaderKind.REPREPRO

    def create(self, uploader: UploaderKind, path: Path, **changed: Any) -> None:
        """Make an archive there."""
        create_archive(archive(uploader, path, **changed), self.locks_dir)


class TestReprepro(CreationTestCase):
    def test_every_suite_can_be_read(self) -> None:
        """Builds may read an archive in which nothing was published yet."""
        self.make_archive(suites=SUITES)
        for suite in SUITES:
            release = self.root / "public" / "dists" / suite / "Release"
            self.assertIn("Architectures: amd64 arm64\nComponents: main\n", release.read_text())
        self.apt_get("update")

    def test_operator_can_look(self) -> None:
        """reprepro by hand finds what we made where we made it."""
        self.publish(self.spool(hello()))
        command = ["reprepro", "-b", str(self.root), "list", "bookworm"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.assertIn("bookworm|main|amd64: hello 1.0\n", listed)

    def test_apt_installs(self) -> None:
        """apt fetches what was published, and it is what was built."""
        self.publish(self.spool(hello(content=b"from the farm\n")))
        self.apt_get("update")
        self.apt_get("download", "hello", "hello-data")
        unpacked = self.home / "unpacked"
        (package,) = (self.home / "apt").glob("hello_1.0_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, unpacked], check=True)
        self.assertEqual(b"from the farm\n", (unpacked / "usr/share/hello/greeting").read_bytes())

    def test_again(self) -> None:
        """Making an archive again changes nothing that was published; what is new is added."""
        self.publish(self.spool(hello()))
        self.archive = self.make_archive(suites=SUITES)
        self.apt_get("update")
        self.assertIn("Version: 1.0", self.apt_cache("show", "hello"))
        self.assertTrue((self.root / "public/dists/bookworm-updates/Release").exists())

    def test_after_a_killed_try(self) -> None:
        """An upload that was cut off does not keep an archive from being changed."""
        files = self.spool(hello())
        killing = self.killing_at("upload.included")
        self.assertRaises(Killed, self.publish, files, None, killing)
        self.make_archive(suites=SUITES)
        self.assertFalse((self.root / "uploading.json").exists())
        self.publish(files)

    def test_archive_of_somebody_else(self) -> None:
        """A directory with another reprepro's configuration is not touched."""
        path = self.home / "theirs"
        (path / "conf").mkdir(parents=True)
        (path / "conf" / "distributions").write_text("Codename: theirs\n")
        with self.assertRaisesRegex(Refused, "distributions was not written by buildd-manager"):
            self.create(UploaderKind.REPREPRO, path)
        self.assertEqual(["conf"], [entry.name for entry in path.iterdir()])
        self.assertEqual("Codename: theirs\n", (path / "conf" / "distributions").read_text())

    def test_upload_under_way(self) -> None:
        """An archive is not changed while an upload is at work on it, however long that takes."""
        self.patch(creation, "_PATIENCE", 0.1)
        lock = try_hold(archive_lock(self.locks_dir, "main"))
        assert lock is not None
        with lock, self.assertRaisesRegex(Refused, "An upload into main is under way"):
            self.make_archive()

    def test_reprepro_fails(self) -> None:
        """What reprepro says is the reason."""
        with self.assertRaisesRegex(Refused, "The archive main cannot be made: reprepro failed"):
            self.create(UploaderKind.REPREPRO, self.home / "x", suites=("no spaces",))


class TestOthers(CreationTestCase):
    def test_place_that_is_none(self) -> None:
        """A file where the archive's directory should be is named, whatever the uploader."""
        place = self.home / "file"
        place.touch()
        for uploader, name in (
            (UploaderKind.DIRECTORY, "outgoing"),
            (UploaderKind.REPREPRO, "conf"),
        ):
            error = self.assertRaises(Refused, self.create, uploader, place)
            self.assertIn(f"cannot be made: {place}/{name}: Not a directory.", str(error))

    def test_directory(self) -> None:
        """The directories that uploads go through are made, again without harm."""
        for _ in range(2):
            self.create(UploaderKind.DIRECTORY, self.home / "directory")
        names = {path.name for path in (self.home / "directory").iterdir()}
        self.assertEqual({"incoming", "outgoing"}, names)

    def test_command(self) -> None:
        """A program must be there, and be one that can be run."""
        program = self.home / "program"
        self.assertRaises(Refused, self.create, UploaderKind.COMMAND, program)
        program.touch(0o644)
        with self.assertRaisesRegex(Refused, "no program that can be run"):
            self.create(UploaderKind.COMMAND, program)
        program.chmod(0o755)
        self.create(UploaderKind.COMMAND, program)
        self.assertRaises(Refused, self.create, UploaderKind.COMMAND, self.home)


class TestPublished(CreationTestCase):
    def test_only_what_is_for_readers(self) -> None:
        """What readers may read holds no database, configuration or key, of any archive."""
        for private in (False, True):
            found = published_directory(archive(UploaderKind.REPREPRO, self.root, private=private))
            self.assertEqual(self.root / "public", found)
        self.assertIsNone(published_directory(archive(UploaderKind.DIRECTORY, self.root)))
        self.assertEqual(["dists"], [path.name for path in (self.root / "public").iterdir()])
