"""What has changed, told to everybody who looks on: the events of the database are followed.

An event is there once its act is committed, never before, and its id is the place from which a
viewer who comes again goes on. The database is asked once a second for all viewers together, and
not at all while there are none.

Layer 5. Tests: tests/unit/statuspage/test_changes.py.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from buildfarm.flow.notice import Notice
from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage.changes import MOST, FarmChange, changes_after
from buildfarm.storage.glance import last_event
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.errors import FarmError

#: Seconds between two looks: what changes meanwhile is told together.
INTERVAL = 1.0

#: Changes that are remembered for viewers who come again or take slowly.
REMEMBERED = 5000

#: Names in one message; where more has changed, it says that everything may have.
NAMED = 100


class Changes:
    """The latest changes, while somebody watches."""

    log = Logger()

    def __init__(self, reactor: Any, storage: Transactor) -> None:
        self._storage = storage
        self._wakeup = Wakeup(reactor)
        self._notice = Notice()
        self._watching = 0
        self._looking = False
        self._forgotten = 0
        self._latest: deque[FarmChange] = deque()
        self._told: dict[tuple[int, frozenset[str] | None], bytes] = {}
        #: The last event that is known; 0 before the first look.
        self.last = 0

    @contextmanager
    def watching(self, listener: Callable[[], None]) -> Iterator[None]:
        """Have `listener` called after changes, while this is entered."""
        self._watching += 1
        if not self._looking:
            self._looking = True
            Deferred.fromCoroutine(self._look())
        try:
            with self._notice.telling(listener):
                yield
        finally:
            self._watching -= 1
            if not self._watching:
                self._wakeup.wake()

    def after(self, event: int, seen: frozenset[str] | None) -> bytes | None:
        """What has changed after `event`, as JSON; None where nothing has.

        `builders` are names and `builds` numbers, of those only which a viewer may know who sees
        the private archives `seen`; with `all`, anything may have changed.
        """
        if event >= self.last or not self.last:
            return None
        key = event, seen
        if key not in self._told:
            self._told[key] = self._told_after(event, seen)
        return self._told[key]

    def _told_after(self, event: int, seen: frozenset[str] | None) -> bytes:
        builders: set[str] = set()
        builds: set[int] = set()
        for change in reversed(self._latest):
            if change.event <= event:
                break
            build_id = change.build_seen(seen)
            builders |= {change.builder} if change.builder is not None else set()
            builds |= {build_id} if build_id is not None else set()
        if event < self._forgotten or len(builders) > NAMED or len(builds) > NAMED:
            return b'{"all":true}'
        told = {"builders": sorted(builders), "builds": sorted(builds)}
        return json.dumps(told, separators=(",", ":")).encode()

    async def _look(self) -> None:
        """Look as long as anybody watches."""
        while self._watching:
            try:
                await self._look_once()
            except FarmError as error:
                self.log.warn("pages cannot be told what changes: {error}", error=error)
            await self._wakeup.sleep(INTERVAL)
        self._looking = False
        self._latest.clear()
        self._told.clear()
        self.last = 0

    async def _look_once(self) -> None:
        if not self.last:
            # At least 1, which says that it is known: no page has an event before the first.
            self.last = self._forgotten = max(1, await self._storage.read(last_event))
            self._notice.give()
            return
        found = await self._storage.read(changes_after, self.last)
        if found:
            self._take(found)
            self._notice.give()
        if len(found) == MOST:
            self._wakeup.wake()

    def _take(self, found: tuple[FarmChange, ...]) -> None:
        self._latest.extend(found)
        while len(self._latest) > REMEMBERED:
            self._forgotten = self._latest.popleft().event
        self._told.clear()
        self.last = found[-1].event
