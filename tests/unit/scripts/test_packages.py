"""Which source package somebody means."""

import hashlib
import io
import tarfile
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.packages import source_files
from buildfarm.vocab.errors import Refused


def tarball() -> bytes:
    """Upstream's, with one file in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("hello-2.0/hello")
        archive.addfile(entry, io.BytesIO())
    return content.getvalue()


class PackageTests(FarmTestCase):
    def make_dsc(self, directory: Path, version: str = "1.0") -> Path:
        """A source package of two files in `directory`."""
        tar = directory / f"hello_{version}.tar.gz"
        tar.write_bytes(b"tar")
        digest = hashlib.sha256(b"tar").hexdigest()
        dsc = directory / f"hello_{version}.dsc"
        dsc.write_text(
            f"Source: hello\nVersion: {version}\nArchitecture: any\nBinary: hello\n"
            f"Checksums-Sha256:\n {digest} 3 {tar.name}\n"
        )
        return dsc

    def files(self, path: Path) -> list[str]:
        """The names of the files that `path` leads to."""
        with source_files(path) as found:
            return [file.name for file in found]

    def refusal(self, path: Path) -> str:
        """Why `path` leads to no source package."""
        return str(self.assertRaises(Refused, self.files, path))

    def test_dsc(self) -> None:
        """A .dsc, and the directory that holds it, are the package."""
        directory = self.make_directory()
        dsc = self.make_dsc(directory)
        for path in (dsc, directory):
            self.assertEqual(["hello_1.0.dsc", "hello_1.0.tar.gz"], self.files(path))

    def test_several(self) -> None:
        """Nothing is chosen among several packages."""
        directory = self.make_directory()
        for version in ("1.0", "1.1"):
            self.make_dsc(directory, version)
        self.assertIn("2 source packages (hello_1.0.dsc, hello_1.1.dsc)", self.refusal(directory))

    def test_not_there(self) -> None:
        """A directory without a package, a file that is none, and files that are missing."""
        directory = self.make_directory()
        self.assertIn("holds neither", self.refusal(directory))
        dsc = self.make_dsc(directory)
        (directory / "hello_1.0.tar.gz").unlink()
        self.assertIn("not beside it: hello_1.0.tar.gz", self.refusal(dsc))
        dsc.write_text("nonsense")
        self.assertIn("hello_1.0.dsc", self.refusal(dsc))
        self.assertIn("cannot be read", self.refusal(directory / "missing.dsc"))

    def test_tree(self) -> None:
        """A tree is packed with upstream's tarball that lies beside it, somewhere else."""
        directory = self.make_directory()
        tree = directory / "hello"
        (tree / "debian" / "source").mkdir(parents=True)
        (tree / "debian/source/format").write_text("1.0\n")
        (tree / "debian/changelog").write_text(
            "hello (1:2.0-1) unstable; urgency=low\n\n  * New.\n\n"
            " -- A <a@example.com>  Thu, 01 Jan 2026 00:00:00 +0000\n"
        )
        (tree / "debian/control").write_text(
            "Source: hello\nMaintainer: A <a@example.com>\n\nPackage: hello\nArchitecture: any\n"
            "Description: greets\n"
        )
        (directory / "hello_2.0.orig.tar.gz").write_bytes(tarball())
        before = sorted(directory.rglob("*"))
        self.assertEqual(
            ["hello_2.0-1.dsc", "hello_2.0-1.diff.gz", "hello_2.0.orig.tar.gz"],
            sorted(self.files(tree), key=lambda name: (not name.endswith("dsc"), name)),
        )
        self.assertEqual(before, sorted(directory.rglob("*")))
