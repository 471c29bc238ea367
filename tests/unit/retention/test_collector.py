"""The collector: what nothing names goes, and nothing else; never by a step that takes long."""

import hashlib
import io
import os
from datetime import timedelta
from typing import Any

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.memory import inline_workers
from buildfarm.filestore.store import PARTS, FileStore
from buildfarm.retention.collector import Collector
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase


class CollectorTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.filestore = FileStore(self.directory / "files")
        self.in_use: frozenset[str] = frozenset()
        self.steps: list[str] = []

    def add(self, content: str, age: float = 10.0) -> str:
        """Add a file of this age; its digest."""
        digest = self.filestore.add(io.BytesIO(content.encode()), max_bytes=99).sha256
        when = self.now().timestamp() - age
        os.utime(self.filestore.path(digest), (when, when))
        return digest

    def is_there(self, digest: str) -> bool:
        """Whether the store has the file."""
        return self.filestore.path(digest).exists()

    def collect(self, age: float = 1.0, *, parts: int = 256) -> tuple[int, int]:
        """Collect files of more than this age; how many files and bytes were removed."""
        storage: Any = InlineStorage(self)
        looks = iter(range(parts))
        collector = Collector(
            storage=storage,
            store=self.filestore,
            workers=inline_workers(),
            files_in_use=lambda: self.in_use,
            checkpoint=self.steps.append,
        )
        before = self.now() - timedelta(seconds=age)
        collecting = collector.collect(before, lambda: next(looks, None) is not None)
        return self.successResultOf(ensureDeferred(collecting))

    def test_what_nothing_names_goes(self) -> None:
        """It is counted, and its steps can be followed."""
        digest = self.add("nobody's")
        self.assertEqual((1, 8), self.collect())
        self.assertFalse(self.is_there(digest))
        self.assertEqual(["collect.named", "collect.removed"], self.steps)
        self.assertEqual((0, 0), self.collect())
        self.assertEqual([], list((self.directory / "files" / "unfinished").iterdir()))

    def test_what_a_row_names_stays(self) -> None:
        """However old it is."""
        digest = self.add("debian-amd64.tar", age=10**8)
        self.assertEqual((0, 0), self.collect())
        self.assertTrue(self.is_there(digest))

    def test_what_is_in_use_stays(self) -> None:
        """A build that was claimed fetches the chroot of then, also when it was replaced."""
        digest = self.add("the chroot of before")
        self.in_use = frozenset({digest})
        self.assertEqual((0, 0), self.collect())
        self.in_use = frozenset()
        self.assertEqual(1, self.collect()[0])

    def test_what_is_young_stays(self) -> None:
        """A backup that is restored, or a restore that is undone, finds it."""
        self.add("of today", age=10.0)
        self.assertEqual((0, 0), self.collect(age=60.0))

    def test_what_is_held_stays(self) -> None:
        """Until its row is committed, or its caller has given up."""
        with self.filestore.holding() as hold:
            digest = hold.add(io.BytesIO(b"on its way"), max_bytes=99).sha256
            os.utime(self.filestore.path(digest), (0, 0))
            self.assertEqual((0, 0), self.collect())
        self.assertEqual(1, self.collect()[0])

    def test_a_download_goes_on(self) -> None:
        """Whoever has opened a file reads it to its end."""
        digest = self.add("chroot")
        with self.filestore.open(digest) as file:
            self.collect()
            self.assertEqual(b"chroot", file.read())

    def test_other_files_are_let_alone(self) -> None:
        """Only what is named as files of the store are is removed."""
        part = self.directory / "files" / PARTS[0]
        part.mkdir(exist_ok=True)
        (part / "notes").write_text("an operator's")
        os.utime(part / "notes", (0, 0))
        self.assertEqual((0, 0), self.collect())

    def test_it_ends_when_asked_to(self) -> None:
        """After the directory that it is at."""
        for number in range(512):
            self.add(str(number))
        first = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(512)]
        wanted = sum(digest[:2] in PARTS[:10] for digest in first)
        self.assertEqual(wanted, self.collect(parts=10)[0])
