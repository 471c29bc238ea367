"""The files of a daemon."""

import hashlib
import os
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.workplace import Workplace


def sha1(content: bytes) -> str:
    """The digest that `content` is found by."""
    return hashlib.sha1(content).hexdigest()


class TestFileCache(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.place = Workplace(self.make_directory())
        self.cache = FileCache(self.place, max_inputs=100)
        self.cache.open()

    def add(self, content: bytes, used: float = 0.0) -> Path:
        """An input that was last used at `used`."""
        incoming = self.cache.incoming("1")
        incoming.write_bytes(content)
        self.cache.keep(incoming, sha1(content))
        kept = self.place.inputs / sha1(content)
        os.utime(kept, (used, used))
        return kept

    def add_result(self, content: bytes) -> None:
        """A result of the build."""
        (self.place.results / sha1(content)).write_bytes(content)

    def test_input(self) -> None:
        """An input is found and served by its digest."""
        kept = self.add(b"source")
        self.assertEqual(kept, self.cache.input(sha1(b"source")))
        self.assertEqual(kept, self.cache.served(sha1(b"source")))
        self.assertIsNone(self.cache.input(sha1(b"other")))

    def test_names(self) -> None:
        """Nothing but digests and the log has a name: no path leaves the cache."""
        (self.place.root / "daemon.lock").touch()
        for name in ("../daemon.lock", "", ".", "daemon.lock", "A" * 40, sha1(b"source") + "\n"):
            self.assertIsNone(self.cache.input(name))
            self.assertIsNone(self.cache.served(name))

    def test_forget_build(self) -> None:
        """After a build its log and results are gone, its inputs are there."""
        kept = self.add(b"source")
        self.cache.start_log()
        self.add_result(b"package")
        self.assertIsNotNone(self.cache.served(sha1(b"package")))
        self.assertIsNotNone(self.cache.served("buildlog"))
        self.cache.forget_build()
        self.assertIsNone(self.cache.served(sha1(b"package")))
        self.assertIsNone(self.cache.served("buildlog"))
        self.assertTrue(kept.exists())

    def test_result_like_an_input(self) -> None:
        """A result that equals an input takes nothing along when it is forgotten."""
        self.add(b"both")
        self.add_result(b"both")
        self.cache.forget_build()
        self.assertIsNotNone(self.cache.input(sha1(b"both")))

    def test_open_again(self) -> None:
        """A new daemon has the inputs of the former, and nothing of its build or downloads."""
        self.add(b"source")
        self.add_result(b"package")
        self.cache.start_log()
        self.cache.incoming("2").touch()
        again = FileCache(self.place)
        again.open()
        self.assertIsNotNone(again.input(sha1(b"source")))
        self.assertIsNone(again.served(sha1(b"package")))
        self.assertIsNone(again.served("buildlog"))
        self.assertFalse(again.incoming("2").exists())

    def test_bound(self) -> None:
        """Inputs beyond the bound are given up after a build, those first that were not used."""
        old, new = self.add(b"a" * 60, used=1.0), self.add(b"b" * 60, used=2.0)
        self.assertTrue(old.exists())
        self.cache.forget_build()
        self.assertFalse(old.exists())
        self.assertTrue(new.exists())

    def test_log_tail(self) -> None:
        """The tail is the end of the log, and empty where there is no log."""
        self.assertEqual(b"", self.cache.log_tail(2048))
        self.cache.start_log()
        self.assertEqual(b"", self.cache.log_tail(2048))
        self.place.log.write_bytes(b"0123456789")
        self.assertEqual(b"0123456789", self.cache.log_tail(2048))
        self.assertEqual(b"6789", self.cache.log_tail(4))
