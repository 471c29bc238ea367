"""Files by digest: kept whole, verified and bounded."""

import errno
import hashlib
import io
import os
from pathlib import Path
from unittest import mock

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.store import FileStore
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import DiskFull, FileMissing, FileRefused

CONTENT = b"source package\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


class FileStoreTest(FarmTestCase):
    """What may be asked of a store."""

    def setUp(self) -> None:
        super().setUp()
        self.root = self.make_directory() / "files"
        self.store = FileStore(self.root)

    def add(self, content: bytes = CONTENT, **kwargs: str) -> StoredFile:
        """Add `content` with a generous limit."""
        return self.store.add(io.BytesIO(content), max_bytes=10**6, **kwargs)

    def files(self) -> list[Path]:
        """Every file below the root."""
        return [path for path in self.root.rglob("*") if path.is_file()]

    def test_added_file_is_described(self) -> None:
        """The answer has size and both digests; the name is handed through."""
        sha1 = hashlib.sha1(CONTENT).hexdigest()
        expected = StoredFile("hello.dsc", len(CONTENT), sha1, SHA256)
        self.assertEqual(expected, self.add(name="hello.dsc", sha256=SHA256))

    def test_file_is_at_its_digest(self) -> None:
        """The path is made of the digest, and what is there is the content, not for the world."""
        self.add()
        path = self.root / SHA256[:2] / SHA256
        self.assertEqual(path, self.store.path(SHA256))
        self.assertEqual(CONTENT, path.read_bytes())
        self.assertEqual(0o640, path.stat().st_mode & 0o777)
        self.assertEqual(0, path.parent.stat().st_mode & 0o027)

    def test_has_and_open(self) -> None:
        """What was added is there and can be read; what was not is neither."""
        self.add()
        self.assertTrue(self.store.path(SHA256).exists())
        self.assertFalse(self.store.path(OTHER).exists())
        with self.store.open(SHA256) as file:
            self.assertEqual(CONTENT, file.read())
        self.assertRaises(FileMissing, self.store.open, OTHER)

    def test_adding_twice_is_harmless(self) -> None:
        """The same content is one file, also for another process of the same root."""
        self.assertEqual(self.add(), self.add())
        FileStore(self.root).add(io.BytesIO(CONTENT), max_bytes=10**6)
        self.assertEqual([self.store.path(SHA256)], self.files())

    def test_limit_is_the_last_size_that_passes(self) -> None:
        """A file of the limit is kept; one byte more is refused and leaves nothing."""
        self.store.add(io.BytesIO(CONTENT), max_bytes=len(CONTENT))
        self.store.path(SHA256).unlink()
        with self.assertRaisesRegex(FileRefused, "big.tar.xz is larger than 14999 bytes"):
            self.store.add(io.BytesIO(CONTENT), max_bytes=len(CONTENT) - 1, name="big.tar.xz")
        self.assertEqual([], self.files())

    def test_other_digest_is_refused(self) -> None:
        """Content that is not what was announced is refused and leaves nothing."""
        with self.assertRaisesRegex(FileRefused, f"SHA-256 {SHA256} and not {OTHER}"):
            self.add(sha256=OTHER)
        self.assertEqual([], self.files())

    def test_name_of_a_refused_file_is_escaped(self) -> None:
        """A stranger's file name cannot move the cursor of who reads the message."""
        with self.assertRaisesRegex(FileRefused, r"^a\\x1b\[2J has"):
            self.add(sha256=OTHER, name="a\x1b[2J")

    def test_full_disk_is_named(self) -> None:
        """No room left is the manager's trouble, and leaves nothing behind."""
        with (
            mock.patch("os.fsync", side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
            self.assertRaises(DiskFull),
        ):
            self.add()
        self.assertEqual([], self.files())

    def test_nothing_but_a_digest_is_a_path(self) -> None:
        """A name from outside can never become a path."""
        for name in ("../../etc/passwd", "", SHA256.upper(), SHA256[:-1], SHA256 + "\n"):
            self.assertRaises(ValueError, self.store.path, name)

    def test_unfinished_files_can_be_removed(self) -> None:
        """What a killed process left is removed at the next start; what is whole stays."""
        self.add()
        (self.root / "unfinished" / "1").write_bytes(b"half")
        FileStore(self.root).remove_unfinished()
        self.assertEqual([self.store.path(SHA256)], self.files())
