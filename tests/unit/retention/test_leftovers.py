"""Leftovers: what ended attempts have in the spool goes, all else stays."""

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

    def remove_leftovers(self) -> list[str]:
        """What is in the spool after a start."""
        storage: Any = InlineStorage(self)
        removing = remove_leftovers(storage, inline_workers(), self.spool)
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

    def test_what_cannot_be_removed(self) -> None:
        """A leftover in the way of nobody does not keep the manager from its work."""
        order = self.gathered("done")
        self.publish(order)
        spool = self.spool / order.attempt.spool
        (spool / "0001").unlink()
        spool.rmdir()
        spool.write_bytes(b"no directory")
        self.assertEqual([spool.name], self.remove_leftovers())
