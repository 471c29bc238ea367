"""Build logs: compressed, and readable from any place."""

import gzip
import io

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.logs import MEMBER_SIZE, StoredLog, store_log
from buildfarm.filestore.store import FileStore
from buildfarm.vocab.errors import FileRefused

LOG = b"".join(b"%07d cc -O2 -c hello.c\n" % number for number in range(200_000))


class StoredLogTest(FarmTestCase):
    """What is kept of a log, and what can be had from it."""

    def setUp(self) -> None:
        super().setUp()
        self.root = self.make_directory()
        self.store = FileStore(self.root)

    def keep(self, content: bytes) -> bytes:
        """Store `content` as a log and return the file that the store keeps."""
        stored = store_log(self.store, io.BytesIO(content), max_bytes=10**8)
        with self.store.open(stored.sha256) as file:
            return file.read()

    def test_stored_log_is_plain_gzip(self) -> None:
        """Any gzip tool reads the whole, and it is a good deal smaller than the log."""
        kept = self.keep(LOG)
        self.assertEqual(LOG, gzip.decompress(kept))
        self.assertLess(len(kept), len(LOG) // 5)

    def test_description_is_of_the_compressed_file(self) -> None:
        """Name, size and digest are those of the file in the store."""
        stored = store_log(self.store, io.BytesIO(LOG), max_bytes=len(LOG), name="buildlog")
        self.assertEqual("buildlog.gz", stored.name)
        self.assertEqual(self.store.path(stored.sha256).stat().st_size, stored.size)

    def test_parts(self) -> None:
        """Any part is what was there in the log, within one member or across several."""
        log = StoredLog(io.BytesIO(self.keep(LOG)))
        self.assertEqual(len(LOG), log.size)
        edge = MEMBER_SIZE
        for start, length in ((0, 10), (edge - 5, 10), (edge, 3 * edge), (len(LOG) - 3, 100)):
            self.assertEqual(LOG[start : start + length], log.read(start, length))
        self.assertEqual(b"", log.read(len(LOG) + 5, 10))

    def test_tail(self) -> None:
        """The end of the log, or all of a shorter one."""
        log = StoredLog(io.BytesIO(self.keep(LOG)))
        self.assertEqual(LOG[-2048:], log.tail(2048))
        self.assertEqual(b"short", StoredLog(io.BytesIO(self.keep(b"short"))).tail(2048))

    def test_empty_log(self) -> None:
        """A log with nothing in it is stored too, as a gzip file of nothing."""
        kept = self.keep(b"")
        self.assertEqual(b"", gzip.decompress(kept))
        self.assertEqual(b"", StoredLog(io.BytesIO(kept)).tail(10))

    def test_too_large_a_log_is_refused(self) -> None:
        """The limit counts bytes before compression."""
        with self.assertRaisesRegex(FileRefused, "larger than 99 bytes"):
            store_log(self.store, io.BytesIO(b"x" * 100), max_bytes=99)
        self.assertEqual([], list(self.root.glob("*/*")))

    def test_damaged_files_are_refused(self) -> None:
        """What is cut, changed or something else is not taken for a log."""
        kept = self.keep(LOG)
        for damaged in (kept[:-1], kept + b"x", gzip.compress(LOG), b"\0" * 64):
            self.assertRaises(FileRefused, StoredLog, io.BytesIO(damaged))
        changed = bytearray(kept)
        changed[100] ^= 255
        self.assertRaises(FileRefused, StoredLog(io.BytesIO(bytes(changed))).read, 0, 10)

    @given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
    def test_any_part_of_any_log(self, content: bytes, start: int, length: int) -> None:
        """Reading a stored log is slicing the log."""
        store = FileStore(self.make_directory())
        stored = store_log(store, io.BytesIO(content), max_bytes=1000)
        with store.open(stored.sha256) as file:
            self.assertEqual(content[start : start + length], StoredLog(file).read(start, length))
