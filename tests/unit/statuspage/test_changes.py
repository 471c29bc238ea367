"""What has changed, told to everybody who looks on."""

import json
from contextlib import ExitStack
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.changes import INTERVAL, NAMED, REMEMBERED, Changes
from buildfarm.storage.changes import FarmChange
from buildfarm.storage.glance import last_event
from buildfarm.vocab.errors import StorageError


class _Storage:
    """Events that the test appends."""

    def __init__(self) -> None:
        self.events: list[FarmChange] = []
        self.reads = 0
        self.error: Exception | None = None

    def add(
        self, builder: str | None, build_id: int | None = None, private: str | None = None
    ) -> None:
        self.events.append(FarmChange(len(self.events) + 1, builder, build_id, private))

    async def read(self, query: Any, *args: Any) -> Any:
        self.reads += 1
        if self.error is not None:
            raise self.error
        if query is last_event:
            return len(self.events)
        return tuple(self.events[args[0] : args[0] + 1000])


class ChangesTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage = _Storage()
        storage: Any = self.storage
        self.changes = Changes(self.clock, storage)
        self.storage.add("old")
        self.heard = 0
        self.watching = ExitStack()

    def watch(self) -> None:
        """Look on, until `watching` is closed."""
        self.watching.enter_context(self.changes.watching(self._hear))

    def _hear(self) -> None:
        self.heard += 1

    def told(self, event: int, seen: frozenset[str] | None = frozenset()) -> Any:
        """What has changed after `event`."""
        found = self.changes.after(event, seen)
        return None if found is None else json.loads(found)

    def leave(self) -> None:
        """Nobody looks on any more."""
        self.watching.close()
        self.clock.advance(INTERVAL)

    def test_what_changes_is_told_together(self) -> None:
        """Once a second, each thing once, to everybody from where they are."""
        self.watch()
        self.assertEqual(1, self.changes.last)
        for name in ("bob", "alice", "bob"):
            self.storage.add(name, 7)
        self.heard = 0
        self.clock.advance(INTERVAL)
        self.assertEqual(1, self.heard)
        self.assertEqual({"builders": ["alice", "bob"], "builds": [7]}, self.told(1))
        self.assertEqual({"builders": ["bob"], "builds": [7]}, self.told(3))
        self.assertIsNone(self.told(4))
        self.leave()

    def test_private_builds_are_told_of_to_who_may_see_them(self) -> None:
        """That their builder does something, everybody learns."""
        self.watch()
        self.storage.add("bob", 7, "secret")
        self.clock.advance(INTERVAL)
        self.assertEqual({"builders": ["bob"], "builds": []}, self.told(1))
        for seen in (frozenset({"secret"}), None):
            self.assertEqual([7], self.told(1, seen)["builds"])
        self.leave()

    def test_nobody_is_asked_while_nobody_looks(self) -> None:
        """The database has peace; who comes with an event from before is told to look again."""
        self.watch()
        self.leave()
        reads = self.storage.reads
        self.clock.advance(100)
        self.assertEqual(reads, self.storage.reads)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.storage.add("bob")
        self.watch()
        self.assertEqual({"all": True}, self.told(1))
        self.leave()

    def test_too_much_is_told_as_all(self) -> None:
        """Messages are short, and what is remembered is bounded."""
        self.watch()
        for number in range(NAMED + 1):
            self.storage.add(f"b{number}")
        self.clock.advance(INTERVAL)
        self.assertEqual({"all": True}, self.told(1))
        for _ in range(REMEMBERED + 10):
            self.storage.add("bob")
        for _ in range(8):
            self.clock.advance(INTERVAL)
        self.assertEqual(len(self.storage.events), self.changes.last)
        self.assertEqual({"all": True}, self.told(NAMED + 3))
        self.assertEqual({"builders": ["bob"], "builds": []}, self.told(self.changes.last - 1))
        self.leave()

    def test_a_database_that_is_away(self) -> None:
        """Is asked again; nothing is lost."""
        self.watch()
        self.storage.error = StorageError("away")
        self.storage.add("bob")
        self.clock.advance(INTERVAL)
        self.storage.error = None
        self.clock.advance(INTERVAL)
        self.assertEqual(["bob"], self.told(1)["builders"])
        self.leave()
