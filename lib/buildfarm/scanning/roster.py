"""The roster: every builder's scanner, who is idle, and who is woken when work arrives.

Layer 4; DESIGN section 3, step 2. Tests: tests/unit/scanning/test_roster.py.

Work finds a builder in two ways. A scanner whose builder has just become clean asks by itself. One
that is idle waits here and is woken after the commit that queued a build that fits: one idle
builder for each build that arrived, longest idle first. All that ask while one claim is in the
database go together in the next, so that after a restart one transaction assigns many builders.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger

from buildfarm.flow.batches import Batcher
from buildfarm.flow.reactors import Clock
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.job import Standing
from buildfarm.scanning.pace import Pace
from buildfarm.scanning.pauses import DATABASE, Pauses
from buildfarm.scanning.scanner import Scanner
from buildfarm.storage import attempts, orders, queue, roster
from buildfarm.storage.attempts import Claim
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.candidates import fits
from buildfarm.vocab.announcements import (
    Announcement,
    BuilderChanged,
    CancelRequested,
    WorkArrived,
)
from buildfarm.vocab.build import BuildOrder, Requirement
from buildfarm.vocab.errors import DiskFull, StorageError
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.states import CleanStatus

#: Seconds between two looks for delayed builds that are due and for wakes that went unanswered.
SWEEP_INTERVAL = 1.0

#: Seconds that acts may take before it is said that the database takes none. They are waited for
#: longer than that, so that a lock that ends costs nobody anything.
SLOW_COMMIT = 5.0

#: How many builders are given work in one transaction at most.
CLAIM_BATCH = 256


class Roster:
    """All scanners. Implements `crew.WorkSource` for them."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        storage: Transactor,
        epoch: Epoch,
        utc_now: Callable[[], datetime],
        pauses: Pauses,
        pace: Pace,
        web_url: str,
    ) -> None:
        """`web_url` is where builds find the archives that they are for."""
        self._reactor = reactor
        self._storage = storage
        self._epoch = epoch
        self._utc_now = utc_now
        self._pauses = pauses
        self._pace = pace
        self._web_url = web_url
        self._scanners: dict[int, Scanner] = {}
        self._idle: dict[int, None] = {}
        self._requirements: dict[int, Requirement] = {}
        #: How many builds arrived with requirements that are not known yet.
        self._unknown: Counter[int] = Counter()
        self._claims: Batcher[ClaimRequest, Claim] = Batcher(self._claim_many, CLAIM_BATCH)
        self._sweep_wakeup = Wakeup(reactor)
        self._sweeping: Deferred[None] | None = None
        self._make_scanner: Callable[[Standing], Scanner] | None = None
        #: Called with each order, before its builder hears of it or is asked about it.
        self.when_ordered: Callable[[BuildOrder], None] = _nothing

    @property
    def scanners(self) -> Sequence[Scanner]:
        """The scanners of all builders that are not removed."""
        return tuple(self._scanners.values())

    @property
    def claims_waiting(self) -> int:
        """How many scanners wait for the next claim."""
        return self._claims.waiting

    def files_in_use(self) -> frozenset[str]:
        """The files (by SHA-256) that builders may still be told to fetch for what they hold."""
        jobs = [scanner.steps.job for scanner in self._scanners.values()]
        orders = [job.order for job in jobs if job is not None]
        return frozenset(file.sha256 for order in orders for file in (order.chroot, *order.files))

    def holds(self, builder_id: int, attempt_id: int) -> bool:
        """Whether this attempt is with this builder at this moment."""
        scanner = self._scanners.get(builder_id)
        job = None if scanner is None else scanner.steps.job
        return job is not None and job.order.attempt.id == attempt_id

    # Start and stop.

    async def start(self, make_scanner: Callable[[Standing], Scanner]) -> None:
        """Scan every active builder; each finds the job that it held before a restart."""
        self._make_scanner = make_scanner
        snapshots = await self._storage.read(roster.builders)
        held = await self._storage.read(orders.open_orders, self._web_url)
        for builder in snapshots:
            self._tell_order(held.get(builder.id))
            self._add(Standing(builder, held.get(builder.id)))
        self._sweeping = Deferred.fromCoroutine(self._sweep_for_ever())

    async def stop(self, grace: float) -> None:
        """End all scanners, each after its step under way or `grace` seconds; begin no more."""
        self._make_scanner = None
        if self._sweeping is not None:
            self._sweeping.cancel()
        stops = [Deferred.fromCoroutine(scanner.stop(grace)) for scanner in self.scanners]
        await DeferredList(stops, consumeErrors=True)
        self._scanners.clear()
        self._idle.clear()

    def _add(self, standing: Standing) -> None:
        assert self._make_scanner is not None, "start() comes first"
        scanner = self._make_scanner(standing)
        self._scanners[standing.builder.id] = scanner
        self._pace.builders = len(self._scanners)
        scanner.start()

    # What scanners ask of it.

    async def claim(self, request: ClaimRequest) -> Claim:
        """The best waiting build for this builder, claimed together with those of others."""
        self._idle.pop(request.builder_id, None)
        if not self._pauses:
            return await self._claims.submit(request)
        builder = self._scanners[request.builder_id].steps.builder
        if request.becomes_clean:
            builder = await self._storage.write(
                roster.set_clean_status,
                self._epoch,
                builder.id,
                builder.clean_status,
                CleanStatus.CLEAN,
                "it was cleaned",
                self._utc_now(),
                reset_output=request.reset_output,
            )
        return Claim(builder, None)

    async def _claim_many(self, requests: Sequence[ClaimRequest]) -> Sequence[Claim]:
        claims = await self._storage.write(
            attempts.claim, self._epoch, requests, self._utc_now(), self._web_url
        )
        for claim in claims:
            self._tell_order(claim.order)
        return claims

    def _tell_order(self, order: BuildOrder | None) -> None:
        if order is not None:
            self.when_ordered(order)

    def is_idle(self, builder_id: int) -> None:
        """This builder has nothing to do; those that were idle before it are woken first."""
        self._idle.setdefault(builder_id)

    def is_removed(self, builder_id: int) -> None:
        """This builder was removed and holds nothing: its scanner ends."""
        self._idle.pop(builder_id, None)
        scanner = self._scanners.pop(builder_id, None)
        self._pace.builders = len(self._scanners)
        if scanner is not None:
            scanner.leave()

    async def fetch_standing(self, builder_id: int) -> Standing:
        """What the database says of one builder now."""
        standing = await self._storage.read(_standing, builder_id, self._web_url)
        self._tell_order(standing.order)
        return standing

    def everybody_seek(self) -> None:
        """Dispatch goes on after a pause: every idle builder asks for work."""
        for builder_id in list(self._idle):
            self._wake(builder_id)

    # What is announced after commits.

    def publish(self, announcement: Announcement) -> None:
        """Wake whom a committed act concerns."""
        match announcement:
            case WorkArrived(requirement_ids):
                self._work_arrived(requirement_ids)
            case BuilderChanged(builder_id):
                Deferred.fromCoroutine(self._builder_changed(builder_id)).addErrback(
                    lambda failure: self.log.failure("a changed builder was not read", failure)
                )
            case CancelRequested(build_id, builder_id):
                if builder_id in self._scanners:
                    self._scanners[builder_id].cancel_job(build_id)

    async def _builder_changed(self, builder_id: int) -> None:
        scanner = self._scanners.get(builder_id)
        if scanner is not None:
            self._idle.pop(builder_id, None)
            scanner.changed()
            return
        standing = await self.fetch_standing(builder_id)
        if self._make_scanner is None:
            return
        if standing.builder.active and builder_id not in self._scanners:
            self._add(standing)

    def _work_arrived(self, requirement_ids: Sequence[int]) -> None:
        """Wake one idle builder that fits for each build that arrived."""
        for requirement_id in requirement_ids:
            requirement = self._requirements.get(requirement_id)
            if requirement is None:
                self._unknown[requirement_id] += 1
                self._sweep_wakeup.wake()
                continue
            woken = next((idle for idle in self._idle if self._fits(idle, requirement)), None)
            if woken is not None:
                self._wake(woken)

    def _wake(self, builder_id: int) -> None:
        del self._idle[builder_id]
        self._scanners[builder_id].seek_work()

    def _fits(self, builder_id: int, requirement: Requirement) -> bool:
        builder = self._scanners[builder_id].steps.builder
        return builder.dispatchable and fits(builder, requirement)

    async def _sweep_for_ever(self) -> None:
        with suppress(CancelledError):
            while True:
                await self._sweep()
                await self._sweep_wakeup.sleep(SWEEP_INTERVAL)

    async def _sweep(self) -> None:
        """Release delayed builds that are due, and wake the idle for work that nobody took."""
        arrived, self._unknown = self._unknown, Counter()
        stuck = self._database_is_stuck()
        try:
            now = self._utc_now()
            # Only an act shows that the database takes acts again.
            if stuck or await self._storage.read(queue.release_is_due, now):
                await self._storage.write(queue.release_due, now)
            waiting = await self._storage.read(queue.waiting_requirements)
        except (StorageError, DiskFull) as error:
            self._pauses.pause(DATABASE, f"the database cannot be used: {error}")
            return
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the next sweep comes all the same
            self.log.failure("waiting builds were not looked for")
            return
        if stuck:
            self._pauses.resume(DATABASE)
        self._requirements.update((requirement.id, requirement) for requirement in waiting)
        for requirement in waiting:
            self._work_arrived([requirement.id] * max(1, arrived[requirement.id]))

    def _database_is_stuck(self) -> bool:
        """Whether acts fail, or are not committed for too long; then dispatch is paused."""
        seconds = self._storage.committing_for
        if seconds > SLOW_COMMIT:
            self._pauses.pause(
                DATABASE,
                f"the database has taken nothing for {seconds:.0f} s: is another process at work "
                "in it, or is its disk slow?",
            )
        return self._pauses.is_paused(DATABASE)


def _nothing(order: BuildOrder) -> None:
    """Nobody wants to know."""


def _standing(store: Any, builder_id: int, web_url: str) -> Standing:
    """A query: one builder and what it holds."""
    return Standing(
        roster.builder(store, builder_id), orders.order_of_builder(store, builder_id, web_url)
    )
