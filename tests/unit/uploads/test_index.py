"""What exported indexes say."""

import hashlib

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.uploads.index import Entry, PackageIndex, index_path
from buildfarm.vocab.errors import UploadPostponed

RELATIVE = "main/binary-amd64/Packages"
HELLO = (
    "Package: hello\nVersion: 1.0\nFilename: pool/hello.deb\nSHA256: abc\n"
    "Description: x\n Package: evil\n"
)
OTHER = "Version: 2.0\nPackage: other\nFilename: pool/other.deb\nSHA256: def\n"


class PackageIndexTest(FarmTestCase):
    """A `Packages` file with two packages, and the `Release` that vouches for it."""

    def setUp(self) -> None:
        super().setUp()
        self.suite = self.make_directory()
        self.packages = self.suite / RELATIVE
        self.packages.parent.mkdir(parents=True)
        self.packages.write_text(f"{HELLO}\n{OTHER}\n")
        self.release("Release")

    def release(self, name: str) -> None:
        """Write a release file for the index as it is."""
        content = self.packages.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        (self.suite / name).write_text(f"SHA256:\n {digest} {len(content)} {RELATIVE}\n")

    def index(self) -> PackageIndex:
        """The index as it is now."""
        return PackageIndex(self.suite, RELATIVE)

    def test_find(self) -> None:
        """A package is found by its name, wherever its fields stand."""
        self.assertEqual(Entry("1.0", "pool/hello.deb", "abc"), self.index().find("hello"))
        self.assertEqual(Entry("2.0", "pool/other.deb", "def"), self.index().find("other"))

    def test_not_listed(self) -> None:
        """Names that only look alike are not found."""
        for name in ("hell", "hello-data", "evil", ""):
            self.assertIsNone(self.index().find(name), name)

    def test_exported(self) -> None:
        """An index counts when every release file names its very content."""
        self.assertTrue(self.index().exported)
        self.release("InRelease")
        self.assertTrue(self.index().exported)
        self.packages.write_text(HELLO)
        self.assertFalse(self.index().exported)
        self.release("Release")
        self.assertFalse(self.index().exported)

    def test_not_exported_at_all(self) -> None:
        """Without a release file, or without the index, nothing is."""
        self.packages.unlink()
        self.assertFalse(self.index().exported)
        self.assertIsNone(self.index().find("hello"))
        (self.suite / "Release").unlink()
        self.assertFalse(self.index().exported)

    def test_incomplete_entry(self) -> None:
        """An entry without what is needed cannot be judged."""
        self.packages.write_text("Package: hello\nVersion: 1.0\n")
        with self.assertRaisesRegex(UploadPostponed, "lacks the field 'filename'"):
            self.index().find("hello")

    def test_path(self) -> None:
        """Packages for the installer have an index of their own."""
        self.assertEqual(RELATIVE, index_path("main", "amd64", udeb=False))
        installer = "main/debian-installer/binary-amd64/Packages"
        self.assertEqual(installer, index_path("main", "amd64", udeb=True))
