"""Whatever happens while files are collected, none is removed that is needed.

A machine of hypothesis takes the collector's own steps one by one and lets everything happen in
between: submissions that commit, are refused or are cancelled while their act is under way, chroots
that are replaced, builds that are claimed, logged, ended and given up, and crashes.
"""

import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import fixtures
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from buildfarm.filestore.logs import store_log
from buildfarm.filestore.store import FileStore, Hold
from buildfarm.retention.collector import Collector
from buildfarm.storage import attempts, builds, chroots, forgetting, naming, orders
from buildfarm.storage.database import Database
from buildfarm.verdicts import settling
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import BuildOrder, StoredFile
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import Happenings, StorageTestCase, submission

_FAR = datetime(9999, 1, 1)

_sources = st.sampled_from(("a", "b"))
_versions = st.sampled_from(("1.0-1", "1.0-2"))
_places = st.integers(0, 2)


class CollectingMachine(Happenings, RuleBasedStateMachine):
    """A farm to which things happen while its collector is at work."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.directory = fixtures.TempDir()
        self.directory.setUp()
        self.root = Path(self.directory.path)
        shutil.copy(self.template, self.root / "farm.db")
        self.store = Database(f"sqlite:///{self.root / 'farm.db'}").writer()
        self.store._connection._raw_connection.execute("PRAGMA synchronous = OFF")
        self.clock = Clock()
        self.announced = []
        self.steps_taken = 0
        self.start_manager()

    def teardown(self) -> None:
        """What nobody needs is gone after one more collection; then remove the farm."""
        self.crash()
        self.begin_collection()
        while self.collecting is not None:
            self.step()
        there = {path.name for path in (self.root / "files").rglob("*") if path.is_file()}
        assert there == self.named(), there ^ self.named()
        self.store.close()
        self.directory.cleanUp()

    @initialize()
    def furnish(self) -> None:
        """A manager begins, and there is a chroot whose file is in the store."""
        self.begin_epoch()
        for name in ("bob", "eve"):
            self.add_builder(name)
        for architecture in ("arm64", "i386", "amd64"):
            self.set_chroot(f"first {architecture}", architecture)

    def start_manager(self) -> None:
        """All that is only in the memory of one manager."""
        self.filestore = FileStore(self.root / "files")
        self.filestore.remove_unfinished()
        #: Acts that the write thread has been given, in order.
        self.acts: list[Callable[[], None]] = []
        #: Submissions whose files are kept and whose rows are not written.
        self.offers: list[tuple[Any, Hold]] = []
        #: Orders that were claimed: on their way to their scanners, or there.
        self.undelivered: list[BuildOrder] = []
        self.jobs: list[BuildOrder] = []
        #: Logs that are stored, with the order of their attempt.
        self.logs: list[tuple[BuildOrder, StoredFile, Hold]] = []
        self.collecting: Deferred[Any] | None = None
        self.next_steps: list[Callable[[], None]] = []

    # The collector, whose every wait ends when the machine says so.

    async def write(self, act: Any) -> Any:
        return await self.waiting_for(lambda: self.written(act))

    async def read(self, query: Any, after: int) -> Any:
        return await self.waiting_for(lambda: self.ask(query, after))

    async def run(self, function: Any, part: str, *args: Any) -> Any:
        if not (self.root / "files" / part).exists():
            return function(part, *args)
        return await self.waiting_for(lambda: function(part, *args))

    async def waiting_for(self, work: Callable[[], Any]) -> Any:
        waiting: Deferred[Any] = Deferred()
        self.next_steps.append(lambda: waiting.callback(work()))
        return await waiting

    def written(self, act: Any) -> Any:
        """The write thread works in order, and tells of what it has done in that order."""
        self.carry_out(len(self.acts))
        value = self.act(act)
        self.deliver()
        return value

    def carry_out(self, count: int) -> None:
        for act in self.acts[:count]:
            act()
        del self.acts[:count]

    @precondition(lambda self: self.collecting is None)
    @rule()
    def begin_collection(self) -> None:
        """A sweep has come to the file store."""
        machine: Any = self
        collector = Collector(
            storage=machine,
            store=self.filestore,
            workers=machine,
            files_in_use=lambda: frozenset(
                file.sha256 for job in self.jobs for file in (job.chroot, *job.files)
            ),
            checkpoint=lambda name: None,
        )
        self.collecting = Deferred.fromCoroutine(collector.collect(_FAR, lambda: True))
        self.collecting.addCallback(self.collected)

    def collected(self, result: object) -> None:
        self.collecting = None

    def step(self) -> None:
        """The collector takes its next step."""
        self.next_steps.pop(0)()

    @precondition(lambda self: self.collecting is not None)
    @rule(count=st.integers(1, 4))
    def take_steps(self, count: int) -> None:
        """The collector gets on."""
        for _ in range(count):
            if self.collecting is not None:
                self.step()

    # What else happens.

    @rule()
    def deliver(self) -> None:
        """Scanners learn what they have claimed."""
        self.jobs += self.undelivered
        self.undelivered = []

    @precondition(lambda self: self.acts)
    @rule(count=st.integers(1, 3))
    def commit(self, count: int) -> None:
        """The write thread carries out some of its acts."""
        self.carry_out(count)

    @rule(name=_sources, version=_versions)
    def keep(self, name: str, version: str) -> None:
        """Somebody submits: the files are kept."""
        wanted = submission(name, version)
        hold = self.filestore.holding()
        contents = (f"{name} {version}", f"{name}.tar.xz")
        for file, content in zip(wanted.source.files, contents, strict=True):
            hold.add(io.BytesIO(content.encode()), max_bytes=99, sha256=file.sha256)
        self.offers.append((wanted, hold))

    @precondition(lambda self: self.offers)
    @rule(place=_places, cancelled=st.booleans())
    def submit_kept(self, place: int, cancelled: bool) -> None:
        """Its act is begun; a caller who goes away then holds nothing any more."""
        wanted, hold = self.offers.pop(place % len(self.offers))
        self.acts.append(lambda: self.submitted(wanted, hold))
        if cancelled:
            hold.end()

    def submitted(self, wanted: Any, hold: Hold) -> None:
        with suppress(Refused):
            self.act(builds.submit, wanted, "alice", self.now())
        hold.end()

    @precondition(lambda self: self.offers)
    @rule(place=_places)
    def give_up_submission(self, place: int) -> None:
        """Its caller goes away before the act is begun."""
        self.offers.pop(place % len(self.offers))[1].end()

    @rule(content=st.sampled_from(("x", "y", "z")))
    def set_chroot(self, content: str, architecture: str = "amd64") -> None:
        """Builds start from another chroot from now on."""
        with self.filestore.holding() as hold:
            file = hold.add(io.BytesIO(content.encode()), max_bytes=99)
            place = ("debian", "bookworm", architecture, "chroot")
            chroot = ChrootSnapshot(*place, file.size, file.sha1, file.sha256)
            self.act(chroots.set_chroot, chroot, "root", self.now())

    @rule(name=st.sampled_from(("bob", "eve")))
    def ask_for_work(self, name: str) -> None:
        """A scanner asks for work; the act is under way."""

        def claimed() -> None:
            request = ClaimRequest(self.builder(name).id, True)
            for claim in self.act(attempts.claim, self.epoch, [request], self.now()):
                if claim.order is not None:
                    self.undelivered.append(claim.order)

        self.acts.append(claimed)

    @precondition(lambda self: self.jobs)
    @rule(place=_places)
    def store_a_log(self, place: int) -> None:
        """A build has ended, and its log was fetched."""
        order = self.jobs.pop(place % len(self.jobs))
        self.act(attempts.mark_sent, self.epoch, order.attempt.id, self.now())
        hold = self.filestore.holding()
        log = io.BytesIO(f"log of {order.attempt.id % 2}".encode())
        self.logs.append((order, store_log(hold, log, max_bytes=99), hold))

    @precondition(lambda self: self.logs)
    @rule(place=_places, outcome=st.sampled_from((BuildOutcome.OK, BuildOutcome.PACKAGEFAIL)))
    def settle_job(self, place: int, outcome: BuildOutcome) -> None:
        """What became of a build is written."""
        order, log, hold = self.logs.pop(place % len(self.logs))
        self.acts.append(lambda: self.settled(order, log, hold, outcome))

    def settled(
        self, order: BuildOrder, log: StoredFile, hold: Hold, outcome: BuildOutcome
    ) -> None:
        made = replace(log, name=f"hello_{order.attempt.build_id}.changes")
        files = {"files": (made,)} if outcome is BuildOutcome.OK else {}
        self.end(order, outcome, log=log, **files)
        if self.state(order.attempt.build_id) is BuildState.UPLOADING:
            self.publish(order)
        hold.end()

    @rule(build_id=st.integers(1, 4))
    def retry(self, build_id: int) -> None:
        """Somebody asks for a build again."""
        with suppress(Refused):
            self.act(builds.retry, build_id, False, "alice", self.now())

    @rule()
    def forget(self) -> None:
        """All that is not kept for ever has become too old."""
        for find, act in (
            (forgetting.old_logs, forgetting.forget_logs),
            (forgetting.old_sources, forgetting.forget_sources),
        ):
            self.act(act, self.ask(find, _FAR, 0), _FAR)

    @precondition(lambda self: self.steps_taken % 20 == 19)
    @rule()
    def crash(self) -> None:
        """The manager is killed, and another one starts: what was claimed is its."""
        self.start_manager()
        self.begin_epoch()
        for order in self.ask(orders.open_orders).values():
            verdict = settling.settle_lost(
                self.ask_builder(order), order.standing, "it answered IDLE", self.now()
            )
            self.settle(verdict)

    def ask_builder(self, order: BuildOrder) -> Any:
        """The builder that holds an order."""
        return next(
            builder
            for builder in map(self.builder, ("bob", "eve"))
            if builder.id == order.attempt.builder_id
        )

    # What must hold.

    def named(self) -> set[str]:
        """Every file that the database names."""
        found = set(self.act(naming.named_chroots))
        for query in naming.NAMING_QUERIES:
            after: int | None = 0
            while after is not None:
                page = self.ask(query, after)
                found |= page.digests
                after = page.last
        return found

    @invariant()
    def nothing_needed_is_missing(self) -> None:
        """What the database names, a claimed build fetches or a hold holds is there."""
        self.steps_taken += 1
        claimed = (*self.jobs, *self.undelivered)
        needed = {file.sha256 for job in claimed for file in (job.chroot, *job.files)}
        for _, hold in self.offers:
            needed |= hold.digests
        for _, log, _ in self.logs:
            needed.add(log.sha256)
        needed |= self.named()
        missing = {digest for digest in needed if not self.filestore.path(digest).exists()}
        assert not missing, missing


class CollectingMachineTests(StorageTestCase):
    """Any order of events, and those that a collector without each of its rules would fail in."""

    def setUp(self) -> None:
        super().setUp()
        self.store.close()

        class OnThisTemplate(CollectingMachine):
            template = self.directory / "farm.db"

        self.machine = OnThisTemplate

    def farm(self) -> CollectingMachine:
        """A farm in which nothing happens by itself."""
        farm = self.machine()
        farm.furnish()
        return farm

    def end(self, farm: CollectingMachine, steps: int = 1000) -> None:
        """Let the collector take at most so many steps; at its end all that is needed is there."""
        while farm.collecting is not None and steps:
            farm.step()
            steps -= 1
        if farm.collecting is None:
            farm.nothing_needed_is_missing()
            farm.teardown()

    def claimed(self) -> CollectingMachine:
        """A farm in which a build has been claimed; its scanner was not told yet."""
        farm = self.farm()
        farm.keep("a", "1.0-1")
        farm.submit_kept(0, False)
        farm.ask_for_work("bob")
        farm.commit(2)
        return farm

    def test_any_order(self) -> None:
        """In no order of events is a file removed that is needed, or one kept for ever."""
        run_state_machine_as_test(
            self.machine,
            settings=settings(max_examples=60, stateful_step_count=60, deadline=None),
        )

    def test_held_since_before(self) -> None:
        """Files were kept before the collection began; their rows come when names were read."""
        farm = self.farm()
        farm.keep("a", "1.0-1")
        farm.begin_collection()
        self.end(farm, steps=4)
        farm.submit_kept(0, False)
        farm.commit(1)
        self.end(farm)

    def test_kept_meanwhile(self) -> None:
        """Files are kept, and their rows committed, while names are read."""
        farm = self.farm()
        farm.begin_collection()
        self.end(farm, steps=4)
        farm.keep("a", "1.0-1")
        farm.submit_kept(0, False)
        farm.commit(1)
        self.end(farm)

    def test_act_of_a_caller_who_went_away(self) -> None:
        """Nobody holds the files any more, and the act that names them is under way."""
        farm = self.farm()
        farm.keep("a", "1.0-1")
        farm.submit_kept(0, True)
        farm.begin_collection()
        self.end(farm, steps=4)
        farm.commit(1)
        self.end(farm)

    def test_chroot_of_a_claimed_build(self) -> None:
        """It was replaced, and the builder has not fetched it yet."""
        farm = self.claimed()
        farm.deliver()
        farm.set_chroot("x")
        farm.begin_collection()
        self.end(farm)

    def test_claim_on_its_way_to_its_scanner(self) -> None:
        """The chroot of its order was replaced before the scanner knew of the order."""
        farm = self.claimed()
        farm.set_chroot("x")
        farm.begin_collection()
        self.end(farm)

    def test_log_of_an_ended_build(self) -> None:
        """Only rows of attempts and builds name it."""
        farm = self.claimed()
        farm.deliver()
        farm.store_a_log(0)
        farm.settle_job(0, BuildOutcome.PACKAGEFAIL)
        farm.commit(1)
        farm.begin_collection()
        self.end(farm)
