"""Builds that somebody looks at, looked up in the database together, however many look at each.

Layer 5. Tests: tests/unit/statuspage/test_followed.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.flow.notice import Notice
from buildfarm.storage.listings import ListedBuild, listed_builds
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import FarmError

#: Seconds between two looks, each one query for all of them.
INTERVAL = 1.0


class FollowedBuild:
    """A build as it was at the last look; `users` is how many look at it."""

    def __init__(self, listed: ListedBuild) -> None:
        self.listed = listed
        self.users = 0
        #: Given when something of it has become another.
        self.changed = Notice()

    @property
    def build(self) -> BuildSnapshot:
        """The build itself."""
        return self.listed.build

    def update(self, listed: ListedBuild) -> None:
        """Take what was found now."""
        if listed != self.listed:
            self.listed = listed
            self.changed.give()


class FollowedBuilds:
    """All of them."""

    def __init__(self, reactor: Any, storage: Transactor) -> None:
        self._reactor = reactor
        self._storage = storage
        self._followed: dict[int, FollowedBuild] = {}
        self._timer: Any = None
        self._looking = False

    @contextmanager
    def following(self, listed: ListedBuild) -> Iterator[FollowedBuild]:
        """The build, kept up to date while this is entered; `listed` is what is known of it."""
        followed = self._followed.setdefault(listed.build.id, FollowedBuild(listed))
        followed.users += 1
        self._look_later()
        try:
            yield followed
        finally:
            followed.users -= 1
            if not followed.users:
                del self._followed[listed.build.id]
            if not self._followed and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def latest(self, build_id: int) -> ListedBuild | None:
        """The build as it was at the last look; None where nobody looks at it."""
        followed = self._followed.get(build_id)
        return None if followed is None else followed.listed

    def _look_later(self) -> None:
        if self._followed and self._timer is None and not self._looking:
            self._timer = self._reactor.callLater(INTERVAL, self._look)

    def _look(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._look_now())

    async def _look_now(self) -> None:
        self._looking = True
        try:
            with suppress(FarmError):  # the database may be away; the next look finds it
                found = await self._storage.read(listed_builds, tuple(self._followed))
                for build_id, listed in found.items():
                    if build_id in self._followed:
                        self._followed[build_id].update(listed)
        finally:
            self._looking = False
            self._look_later()
