"""Whether the farm is still this manager's.

Layer 6. Two managers can work on one database only where they do not share a state directory: its
lock file keeps the others apart. On PostgreSQL the connection that writes holds an advisory lock as
well, and takes it again before it writes where it was lost; and whoever starts begins a new epoch,
after which every guarded write of the one before is refused. So no manager that has lost its farm
can write. This watch lets it find that out while it has nothing to write, and stop: else it would
go on to reset builders that are another's by now. Tests: tests/unit/assembly/test_ownership.py,
tests/functional/assembly/test_ownership.py.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from buildfarm.storage.acts import Committed
from buildfarm.storage.epochs import Epoch, require_current
from buildfarm.storage.errors import DatabaseTaken
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.errors import FarmError, StaleState

#: Seconds between two looks.
INTERVAL = 5.0


class Ownership:
    """Asks the database, by the way of an act, who owns the farm."""

    def __init__(
        self, reactor: Any, storage: Transactor, epoch: Epoch, lost: Callable[[FarmError], None]
    ) -> None:
        """`lost` is called once, with the reason, when the farm is another manager's."""
        self._reactor = reactor
        self._storage = storage
        self._epoch = epoch
        self._lost = lost
        self._watching: Deferred[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._watching = Deferred.fromCoroutine(self._watch())
        self._watching.addErrback(lambda failure: None)  # it was stopped

    async def stop(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            await deferLater(self._reactor, INTERVAL)
            try:
                await self._storage.write(_still_ours, self._epoch)
            except (StaleState, DatabaseTaken) as error:
                self._lost(error)
                return
            except FarmError:
                continue  # while the database is away nobody can tell, or write


def _still_ours(store: Any, epoch: Epoch) -> Committed[None]:
    require_current(store, epoch)
    return Committed(None)
