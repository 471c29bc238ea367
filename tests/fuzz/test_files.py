"""Files and headers that were damaged: stored logs, ranges, locks, settings, indexes, outputs."""

import gzip
import hashlib
import io
from pathlib import Path

import hypothesis
from hypothesis import example, given
from hypothesis import strategies as st

from buildfarm.assembly import settings
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.logs import StoredLog, store_log
from buildfarm.filestore.ranges import UnsatisfiableRangeError, wanted_range
from buildfarm.filestore.store import FileStore
from buildfarm.flow.lockfiles import holder, try_hold
from buildfarm.uploads import tool
from buildfarm.uploads.index import PackageIndex
from buildfarm.uploads.layout import Layout
from buildfarm.uploads.programs import Ended
from buildfarm.uploads.tool import Reprepro
from buildfarm.vocab.errors import FileRefused, SettingsError, UploadError, UploadPostponed
from buildfarm.vocab.settings import Settings
from buildfarm.vocab.text import one_line
from tests.fuzz.damage import damaged_or_any

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "configs/production.toml").read_bytes()
INDEX = (
    b"Package: hello\nVersion: 1.0\nFilename: pool/h/hello.deb\nSHA256: abc\n\n"
    b"Package: other\nVersion: 2.0\nFilename: pool/o/other.deb\nSHA256: def\n"
)


class FileCase(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()

    def write(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content)
        return path


class LogTests(FileCase):
    def setUp(self) -> None:
        super().setUp()
        store = FileStore(self.directory)
        stored = store_log(store, io.BytesIO(b"a line of a log\n" * 50), max_bytes=10**6)
        self.sound = store.path(stored.sha256).read_bytes()

    @given(st.data(), st.integers(0, 2000), st.integers(0, 2000))
    def test_damaged(self, data: st.DataObject, start: int, length: int) -> None:
        """A stored log that was damaged is read, never beyond what was asked for, or refused."""
        content = data.draw(damaged_or_any(self.sound * data.draw(st.integers(1, 2))))
        self.read(content, start, length)

    @given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
    @example(2**32 - 1, 0)
    @example(0, 0)
    def test_sizes_that_lie(self, size: int, start: int) -> None:
        """A member that says to hold more, or less, than it does."""
        lying = self.sound[:-4] + size.to_bytes(4, "little")
        self.read(lying, start, 100)
        self.read(lying + self.sound, start, 2**32)

    def read(self, content: bytes, start: int, length: int) -> None:
        try:
            part = StoredLog(io.BytesIO(content)).read(start, length)
        except FileRefused:
            return
        self.assertLessEqual(len(part), length)

    def test_a_member_that_unpacks_to_much(self) -> None:
        """Nothing of it is unpacked where it says so itself."""
        header = self.sound[:20]
        bomb = gzip.compress(bytes(64 * 1024 * 1024), mtime=0)[10:]
        length = len(header) + len(bomb)
        content = header[:16] + length.to_bytes(4, "little") + bomb
        self.assertRaises(FileRefused, StoredLog, io.BytesIO(content))


class RangeTests(FarmTestCase):
    @given(damaged_or_any(b"bytes=10-20"), st.integers(0, 10**6))
    def test_any(self, header: bytes, size: int) -> None:
        """A part lies within the file, or there is none."""
        try:
            wanted = wanted_range(header, size)
        except UnsatisfiableRangeError:
            return
        if wanted is not None:
            self.assertTrue(0 <= wanted[0] <= wanted[-1] < size)

    @given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
    def test_there_and_back(self, start: int, length: int, more: int) -> None:
        """What is asked for properly is what is given."""
        header = b"bytes=%d-%d" % (start, start + length - 1)
        self.assertEqual(
            range(start, start + length), wanted_range(header, start + length + more - 1)
        )


class LockTests(FileCase):
    @hypothesis.settings(max_examples=10)  # every process of the machine is looked at
    @given(damaged_or_any(b"4242\n"))
    @example(b"9" * 5000)
    @example(b"-1")
    @example("\u0661".encode())
    def test_contents(self, content: bytes) -> None:
        """Whatever a lock file says, its holder is who holds it, and it can be taken."""
        path = self.write("lock", content)
        self.assertIsNone(holder(path))
        with try_hold(path) or self.fail("nobody holds it"):
            self.assertIsNone(try_hold(path))


class SettingsTests(FileCase):
    @given(damaged_or_any(CONFIGURATION))
    @example(b"manager = " + b"[" * 5000)
    @example(b"[manager]\nstate_dir = 1979-05-27\n")
    @example(b"[manager]\nstate_dir = '/x'\nmin_free_bytes = inf\n")
    def test_any(self, content: bytes) -> None:
        """A file is settings, or is refused with its name in each line."""
        path = self.write("x.toml", content)
        try:
            self.assertIsInstance(settings.load(path), Settings)
        except SettingsError as refused:
            self.assertTrue(all(line.startswith(str(path)) for line in str(refused).split("\n")))

    def test_sound(self) -> None:
        """What is damaged here is settings before."""
        self.assertIsInstance(settings.load(self.write("x.toml", CONFIGURATION)), Settings)


class IndexTests(FileCase):
    @given(damaged_or_any(INDEX), st.sampled_from(["hello", "other", "none"]))
    def test_any(self, content: bytes, package: str) -> None:
        """An index has an entry, or has not, or cannot be used."""
        self.write("Packages", content)
        digest = hashlib.sha256(content).hexdigest()
        self.write("Release", f"SHA256:\n {digest} {len(content)} Packages\n".encode())
        try:
            index = PackageIndex(self.directory, "Packages")
            entry = index.find(package)
        except UploadError as error:
            self.assertLess(len(str(error)), 1000)
            return
        self.assertTrue(index.exported)
        if content == INDEX:
            self.assertEqual(package != "none", entry is not None)


class OutputTests(FileCase):
    @given(damaged_or_any(b"There have been errors!\n\x1b[2Jfile: \xff"))
    def test_of_reprepro(self, output: bytes) -> None:
        """Whatever it prints, its failure is one line that is safe to show."""
        ended = Ended(7, output.decode("utf-8", "replace"))
        self.patch(tool, "run_program", lambda *_, **__: ended)
        with self.assertRaises(UploadPostponed) as postponed:
            Reprepro(Layout(self.directory)).export()
        said = str(postponed.exception)
        self.assertLess(len(said), 1100)
        self.assertEqual(said, one_line(said, 2000))
