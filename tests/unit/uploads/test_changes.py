"""What a `.changes` file says."""

import hashlib

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import changes, listed
from buildfarm.uploads.changes import MAX_CHANGES, ListedFile, read_changes
from buildfarm.vocab.errors import UploadRefused

FILES = {"hello_1.0_amd64.deb": b"a package"}
LISTS = {
    "Files": ("md5", " misc optional"),
    "Checksums_Sha1": ("sha1", ""),
    "Checksums_Sha256": ("sha256", ""),
}


class ReadChangesTest(FarmTestCase):
    """From text to a statement."""

    def refused(self, reason: str, **fields: str) -> None:
        """A `.changes` with these fields is refused, for this reason."""
        with self.assertRaisesRegex(UploadRefused, f"^x.changes {reason}"):
            read_changes(changes(FILES, **fields), "x.changes")

    def test_statement(self) -> None:
        """Source, version, architectures, and each file with its size and SHA-256."""
        found = read_changes(changes(FILES, Architecture="amd64 all"), "x.changes")
        self.assertEqual(
            ("hello", "1.0", "1.0"), (found.source, found.source_version, found.version)
        )
        self.assertEqual({"amd64", "all"}, found.architectures)
        sha256 = hashlib.sha256(b"a package").hexdigest()
        self.assertEqual({"hello_1.0_amd64.deb": ListedFile(9, sha256)}, found.files)

    def test_rebuild(self) -> None:
        """A rebuild has a version of its own, and names that of the source."""
        content = changes(FILES, Source="hello (1.0)", Version="1.0+b1")
        found = read_changes(content, "x.changes")
        self.assertEqual(("1.0", "1.0+b1"), (found.source_version, found.version))

    def test_missing_fields(self) -> None:
        """Every field that counts must be there."""
        for name in ("Source", "Version", "Architecture"):
            self.refused(f"has no proper {name} field", **{name: ""})

    def test_no_proper_source(self) -> None:
        """A Source field is a name, or a name and a version."""
        for source in ("hello 1.0", "hello (1.0", "hello (1.0) x"):
            self.refused("has no proper Source field", Source=source)

    def test_wrong_lines(self) -> None:
        """A line of a list has all its columns, a size in digits, and a new name."""
        for line in ("d 9", "d 9 a b", "d -9 a", "d 9x a", "d 9 a\n d 9 a"):
            self.refused("has a wrong line in Checksums-Sha256", Checksums_Sha256=f"\n {line}")
        self.refused("has a wrong line in Files", Files="\n d 9 misc a")
        self.refused("has a wrong line in Files", Files="")

    def test_lists_that_differ(self) -> None:
        """No list may name a file, or a size, that another does not."""
        for files in (
            {**FILES, "evil_1.0_amd64.deb": b"evil"},
            {"hello_1.0_amd64.deb": b"longer one"},
        ):
            for name, (algorithm, columns) in LISTS.items():
                fields = {name: listed(files, algorithm, columns)}
                self.refused("has lists of files that contradict each other", **fields)

    def test_too_large(self) -> None:
        """A `.changes` beyond any real size is not even looked at."""
        with self.assertRaisesRegex(UploadRefused, "is larger than"):
            read_changes(b"x" * (MAX_CHANGES + 1), "x.changes")
