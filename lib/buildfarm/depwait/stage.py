"""The stage that tries builds in MANUALDEPWAIT again, once what they wait for is there.

It looks every now and then at all indexes, and soon after a publication at the archive's own; also
when somebody asks. Layer 4. Tests: tests/unit/depwait/test_stage.py.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.task import deferLater
from twisted.logger import Logger

from buildfarm.depwait.checks import (
    Offers,
    Published,
    Question,
    check,
    offers_of,
    offers_of_files,
    question,
)
from buildfarm.depwait.indexes import Index
from buildfarm.depwait.reading import Look
from buildfarm.flow.reactors import Clock
from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage import depwaits, rechecks
from buildfarm.storage.transactor import Transactor
from buildfarm.uploads.published import published_directory
from buildfarm.vocab.announcements import Announcement, ResultsPublished
from buildfarm.vocab.depwait import Check, Waiting
from buildfarm.vocab.errors import FarmError, Stopped
from buildfarm.vocab.settings import Settings

T = TypeVar("T")

#: Seconds after a publication in which others are waited for.
SETTLING = 1.0

#: Builds of one look, and of one act.
_LOOKED_AT = 500
_WRITTEN = 50

#: Builds that are looked into in one turn of the reactor.
_AT_ONCE = 4

#: How many may wait for a look that they have asked for.
_MOST_ASKING = 10


class LookAt(Protocol):
    """Looks at indexes; `looks.Looker.look`."""

    async def __call__(
        self, indexes: Sequence[Index], names: Collection[str], fresh_for: float, *, every: bool
    ) -> tuple[Look, ...]:
        """What each of `indexes` has of `names`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look came to for one build. `retried`: it is tried again."""

    build_id: int
    title: str
    dependencies: str
    finding: str
    retried: bool


class DepWaits:
    """Looks for what builds wait for, from `start` to `stop`."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        storage: Transactor,
        settings: Settings,
        look_at: LookAt,
        utc_now: Callable[[], datetime],
        checkpoint: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self._reactor = reactor
        self._storage = storage
        self._look_at = look_at
        self._utc_now = utc_now
        self._checkpoint = checkpoint
        self._wakeup = Wakeup(reactor)
        self._turn = DeferredLock()
        self._published: set[int] = set()
        self._stopping = False
        self._running: Deferred[None] | None = None

    def waiting(self) -> int:
        """How many looks wait for the one under way."""
        return len(self._turn.waiting)

    def start(self) -> None:
        """Look now, and then every interval."""
        self._running = Deferred.fromCoroutine(self._run())

    def publish(self, announcement: Announcement) -> None:
        """Look soon at the archive in which something was published."""
        if isinstance(announcement, ResultsPublished):
            self._published.add(announcement.build_id)
            self._wakeup.wake()

    def reload(self, settings: Settings) -> None:
        """Go on with these intervals and bounds."""
        self.settings = settings
        self._wakeup.wake()

    async def stop(self, grace: float) -> None:
        """Look no more; the look under way has `grace` seconds, and is made anew otherwise."""
        self._stopping = True
        self._wakeup.wake()
        if self._running is not None:
            self._running.addTimeout(grace, self._reactor)  # type: ignore[arg-type]
            await self._running

    async def retry_now(self, archive_id: int) -> tuple[Outcome, ...]:
        """Look for what the builds of one archive wait for; what came of it for each.

        Raises Stopped, and FarmError where the look fails.
        """
        if self._stopping or self.waiting() >= _MOST_ASKING:
            raise Stopped("Dep-waits are being looked at for others already; ask again later.")
        return await self._check_all(archive_id, 0.0)

    async def _run(self) -> None:
        """Look at everything every interval, and at archives in which something was published."""
        next_look = self._reactor.seconds()
        while not self._stopping:
            interval = self.settings.depwait.interval
            try:
                if not self.settings.depwait.automatic:
                    self._published.clear()
                elif self._reactor.seconds() >= next_look:
                    next_look = self._reactor.seconds() + interval
                    self._published.clear()
                    await self._check_all(None, interval / 2)
                else:
                    await self._check_published(interval * 2)
            except CancelledError:
                return
            except FarmError as error:
                self.log.warn("dep-waits could not be looked at: {error}", error=error)
            except Exception:  # noqa: BLE001 - the next look is made all the same
                self.log.failure("dep-waits could not be looked at")
            rest = max(0.0, next_look - self._reactor.seconds())
            woken = await self._wakeup.sleep(rest if self.settings.depwait.automatic else interval)
            if woken and not self._stopping:
                # Publications come together; one look serves all of them.
                await self._wakeup.sleep(SETTLING)

    async def _check_published(self, fresh_for: float) -> None:
        build_ids, self._published = self._published, set()
        for archive_id in await self._storage.read(depwaits.archives_of, build_ids):
            await self._check_all(archive_id, fresh_for)

    async def _check_all(self, archive_id: int | None, fresh_for: float) -> tuple[Outcome, ...]:
        await self._turn.acquire()
        try:
            outcomes: list[Outcome] = []
            after = 0
            max_tries = self.settings.depwait.max_tries
            while not self._stopping:
                waiting = await self._storage.read(
                    depwaits.waiting, self._utc_now(), max_tries, archive_id, after, _LOOKED_AT
                )
                if waiting:
                    whole = archive_id is None and not after and len(waiting) < _LOOKED_AT
                    outcomes += await self._check(waiting, fresh_for, whole)
                if len(waiting) < _LOOKED_AT:
                    break
                after = waiting[-1].build_id
            return tuple(outcomes)
        finally:
            self._turn.release()

    async def _check(
        self, waiting: Sequence[Waiting], fresh_for: float, every: bool
    ) -> list[Outcome]:
        """Look for what these builds wait for, record it, and have them tried again."""
        asked = [question(one) async for one in self._unhurried(waiting)]
        looks = await self._look(asked, fresh_for, every)
        checks = [
            (one, check(one, looks, await self._fetch_published(one)))
            async for one in self._unhurried(asked)
        ]
        made = [(one, found) for one, found in checks if found is not None and _is_new(one, found)]
        self._checkpoint("depwait.looked")
        retried: set[int] = set()
        first_retry = self.settings.depwait.first_retry
        for start in range(0, len(made), _WRITTEN):
            some = [(found, one.waiting.dependencies) for one, found in made[start:][:_WRITTEN]]
            now = self._utc_now()
            again = await self._storage.write(rechecks.settle_checks, some, first_retry, now)
            retried.update(again)
            self._checkpoint("depwait.recorded")
        if retried:
            self.log.info("tried again: builds {builds}", builds=sorted(retried))
        return [_outcome(one.waiting, found, retried) for one, found in checks]

    async def _look(
        self, asked: Sequence[Question], fresh_for: float, every: bool
    ) -> dict[Index, Offers]:
        """What each index has of all that is asked for."""
        indexes = tuple(dict.fromkeys(index for one in asked for index in one.indexes))
        names = frozenset[str]().union(*(one.names for one in asked))
        if not (indexes and names):
            return {}
        found = await self._look_at(indexes, names, fresh_for, every=every)
        for look in found:
            if look.error:
                self.log.warn("{place}: {error}", place=look.place, error=look.error)
        return {index: offers_of(look) for index, look in zip(indexes, found, strict=False)}

    async def _unhurried(self, some: Sequence[T]) -> AsyncIterator[T]:
        """Each of `some`, with the reactor's other work in between."""
        for number, one in enumerate(some, 1):
            yield one
            if number % _AT_ONCE == 0:
                await deferLater(self._reactor, 0)  # type: ignore[arg-type]

    async def _fetch_published(self, asked: Question) -> Published:
        """What the farm has published where there is no index to look at."""
        waiting = asked.waiting
        if published_directory(waiting.archive) is not None:
            return Published()
        archive_id, suite = waiting.archive.id, waiting.suite
        count, found = await self._storage.read(depwaits.published, archive_id, suite, asked.names)
        return Published(count, offers_of_files(found, waiting.architecture))


def _is_new(asked: Question, found: Check) -> bool:
    """Whether this state was not the last one that the build was checked for."""
    last = asked.waiting.last
    return last is None or last.state != found.state


def _outcome(waiting: Waiting, found: Check | None, retried: Collection[int]) -> Outcome:
    finding = "Nothing could be looked at." if found is None else found.finding
    again = waiting.build_id in retried
    return Outcome(waiting.build_id, waiting.title, waiting.dependencies, finding, again)
