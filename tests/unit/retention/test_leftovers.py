"""Leftovers: what ended attempts have in the spool goes, all else stays."""

import os
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.memory import inline_workers
from buildfarm.retention.leftovers import remove_leftovers
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase


class LeftoverTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.spool = self.directory / "spool"
        self.spool.mkdir()
        self.bob = self.add_builder()

    def gathered(self, name: str) -> Any:
        """A build whose results are in the spool."""
        self.submit(name)
        order = self.start(self.bob)
        self.gather(order)
        (self.spool / order.attempt.spool).mkdir()
        (self.spool / order.attempt.spool / "0001").write_bytes(b"result")
        return order

    def remove_leftovers(self, unknown_before: datetime | None = None) -> list[str]:
        """What is in the spool after a start, or after a sweep."""
        storage: Any = InlineStorage(self)
        removing = remove_leftovers(storage, inline_workers(), self.spool, unknown_before)
        self.successResultOf(ensureDeferred(removing))
        return sorted(path.name for path in self.spool.iterdir())

    def test_published(self) -> None:
        """The manager ended before it had removed what it had published."""
        self.publish(self.gathered("done"))
        waiting = self.gathered("waiting")
        self.assertEqual([waiting.attempt.spool], self.remove_leftovers())

    def test_not_ours(self) -> None:
        """What the database does not know stays where it is."""
        (self.spool / "lost+found").mkdir()
        self.assertEqual(["lost+found"], self.remove_leftovers())

    def test_of_another_database(self) -> None:
        """What a restored database does not know stays until it is old enough."""
        names = [f"PACKAGEBUILD-9-{number}-0123abcd" for number in (1, 2)]
        for name, age in zip(names, (10, 1000), strict=True):
            (self.spool / name).mkdir()
            when = self.now().replace(tzinfo=UTC).timestamp() - age
            os.utime(self.spool / name, (when, when))
        self.assertEqual(names, self.remove_leftovers())
        self.assertEqual(names[:1], self.remove_leftovers(self.later(-100)))

    def test_no_spool_yet(self) -> None:
        """Where no manager has run there is nothing to remove."""
        self.spool.rmdir()
        storage: Any = InlineStorage(self)
        removing = remove_leftovers(storage, inline_workers(), self.spool)
        self.assertEqual(0, self.successResultOf(ensureDeferred(removing)))

    def test_what_cannot_be_removed(self) -> None:
        """A leftover in the way of nobody does not keep the manager from its work."""
        order = self.gathered("done")
        self.publish(order)
        spool = self.spool / order.attempt.spool
        (spool / "0001").unlink()
        spool.rmdir()
        spool.write_bytes(b"no directory")
        self.assertEqual([spool.name], self.remove_leftovers())
