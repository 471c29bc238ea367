"""A source package's files: checked as a whole, kept as a whole."""

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.store import FileStore
from buildfarm.intake.sources import check_source, keep_source
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import FileRefused, Refused

TARBALL = b"not really a tarball\n" * 1000


def dsc_for(files: dict[str, bytes]) -> bytes:
    """A `.dsc` that names these files as they are."""
    lines = "".join(
        f"\n {hashlib.sha256(content).hexdigest()} {len(content)} {name}"
        for name, content in files.items()
    )
    return (
        f"Source: hello\nVersion: 1.0\nArchitecture: any\nBinary: hello\nChecksums-Sha256:{lines}\n"
    ).encode()


def stored(name: str, content: bytes) -> StoredFile:
    """`content` as the store describes it."""
    sha1 = hashlib.sha1(content).hexdigest()
    return StoredFile(name, len(content), sha1, hashlib.sha256(content).hexdigest())


class SourceCase(FarmTestCase):
    """A package of two files, and a store."""

    def setUp(self) -> None:
        super().setUp()
        self.named = {"hello_1.0.orig.tar.gz": TARBALL, "hello_1.0.diff.gz": b""}
        self.dsc = dsc_for(self.named)
        self.directory = self.make_directory()
        self.store = FileStore(self.directory / "files")

    def offered(self, **changed: bytes | None) -> dict[str, BinaryIO]:
        """The package's files opened, some contents changed, or left out where None."""
        files: dict[str, bytes | None] = {"hello_1.0.dsc": self.dsc, **self.named, **changed}
        return {name: io.BytesIO(content) for name, content in files.items() if content is not None}

    def kept(self) -> list[Path]:
        """Every file in the store."""
        return [path for path in (self.directory / "files").rglob("*") if path.is_file()]


class TestCheck(SourceCase):
    def refusal(self, files: dict[str, BinaryIO]) -> str:
        """The sentence with which these files are refused."""
        return str(self.assertRaises(Refused, check_source, "hello_1.0.dsc", files))

    def test_whole_package(self) -> None:
        """The `.dsc` comes first, then what it names, with sizes and both digests."""
        source = check_source("hello_1.0.dsc", self.offered())
        self.assertEqual(("hello", "1.0"), (source.name, source.version))
        self.assertEqual(
            (
                stored("hello_1.0.dsc", self.dsc),
                *(stored(name, content) for name, content in self.named.items()),
            ),
            source.files,
        )

    def test_missing_file(self) -> None:
        """A named file that is not there is missed by name."""
        self.assertEqual(
            "hello_1.0.dsc names hello_1.0.diff.gz, which is not there.",
            self.refusal(self.offered(**{"hello_1.0.diff.gz": None})),
        )

    def test_missing_dsc(self) -> None:
        """So is the .dsc itself."""
        self.assertEqual(
            "hello_1.0.dsc is not among the files that were handed in.",
            self.refusal(self.offered(**{"hello_1.0.dsc": None})),
        )

    def test_file_too_many(self) -> None:
        """A file that the .dsc does not name is refused: nobody would check it."""
        self.assertEqual(
            "evil is not named by hello_1.0.dsc.", self.refusal(self.offered(evil=b"x"))
        )

    def test_sizes(self) -> None:
        """A file of another size is refused, and a longer one is not read to its end."""
        name = "hello_1.0.orig.tar.gz"
        self.assertEqual(
            f"{name} has 3 bytes, but hello_1.0.dsc says 21000.",
            self.refusal(self.offered(**{name: b"abc"})),
        )
        endless = self.offered()
        with Path("/dev/zero").open("rb") as endless[name]:
            self.assertEqual(
                f"{name} is larger than the 21000 bytes that hello_1.0.dsc says.",
                self.refusal(endless),
            )

    def test_digest(self) -> None:
        """A file of the right size and other contents is refused."""
        self.assertEqual(
            "hello_1.0.orig.tar.gz does not have the SHA-256 that hello_1.0.dsc says.",
            self.refusal(self.offered(**{"hello_1.0.orig.tar.gz": TARBALL[::-1]})),
        )

    def test_unreadable(self) -> None:
        """A file that cannot be read is refused with the system's reason."""
        files = self.offered()
        descriptor = os.open(self.directory / "x", os.O_WRONLY | os.O_CREAT)
        files["hello_1.0.orig.tar.gz"] = os.fdopen(descriptor, "rb")
        self.addCleanup(files["hello_1.0.orig.tar.gz"].close)
        self.assertEqual(
            "hello_1.0.orig.tar.gz cannot be read: Bad file descriptor.", self.refusal(files)
        )


class TestKeep(SourceCase):
    def test_every_file_is_kept(self) -> None:
        """After keeping, the store has each file under its digest."""
        files = self.offered()
        source = check_source("hello_1.0.dsc", files)
        self.assertEqual([], self.kept())
        keep_source(source, files, self.store)
        for file in source.files:
            self.assertTrue(self.store.path(file.sha256).exists(), file.name)

    def test_file_changed_meanwhile(self) -> None:
        """A file that changes between check and keeping is refused, and never kept."""
        files = self.offered()
        source = check_source("hello_1.0.dsc", files)
        files["hello_1.0.orig.tar.gz"] = io.BytesIO(TARBALL[::-1])
        self.assertRaises(FileRefused, keep_source, source, files, self.store)
        self.assertFalse(self.store.path(hashlib.sha256(TARBALL[::-1]).hexdigest()).exists())
