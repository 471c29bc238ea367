"""A manager that has lost its farm to another finds out."""

from collections.abc import Callable
from typing import Any

from buildfarm.assembly.ownership import INTERVAL, Ownership
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.errors import DatabaseTaken
from buildfarm.vocab.errors import DatabaseAway, FarmError, StaleState, Stopped


class Storage:
    """Ends each act as the test says."""

    def __init__(self) -> None:
        self.error: FarmError | None = None
        self.asked = 0

    async def write(self, act: Callable[..., Any], *args: Any) -> None:
        """Note that it was asked."""
        self.asked += 1
        if self.error is not None:
            raise self.error


class TestOwnership(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage: Any = Storage()
        self.lost: list[FarmError] = []
        epoch = Epoch(1, "0123abcd")
        self.watch = Ownership(self.clock, self.storage, epoch, self.lost.append)
        self.watch.start()

    def look(self) -> None:
        """Let the time for one look pass."""
        self.clock.advance(INTERVAL)

    def test_ours(self) -> None:
        """While the farm is ours, nothing happens; it is asked again and again."""
        self.look()
        self.look()
        self.assertEqual((2, []), (self.storage.asked, self.lost))

    def test_newer(self) -> None:
        """A newer manager is told of, once."""
        self.storage.error = StaleState("newer")
        self.look()
        self.look()
        self.assertEqual((1, [self.storage.error]), (self.storage.asked, self.lost))

    def test_taken(self) -> None:
        """A manager that holds the lock is told of, once."""
        self.storage.error = DatabaseTaken("taken")
        self.look()
        self.look()
        self.assertEqual((1, [self.storage.error]), (self.storage.asked, self.lost))

    def test_away(self) -> None:
        """A database that is away has been taken by nobody: it is asked again."""
        for error in (DatabaseAway("away"), Stopped("stopped")):
            self.storage.error = error
            self.look()
        self.assertEqual((2, []), (self.storage.asked, self.lost))

    def test_stopped(self) -> None:
        """After it was stopped it asks no more."""
        self.successResultOf(self.watch.stop())
        self.look()
        self.assertEqual(0, self.storage.asked)
