"""Whatever happens, in whatever order, the database keeps its promises.

A machine of hypothesis lets everything happen to a small farm that can happen to it: submissions,
claims, verdicts on jobs that are current or long over, cancels, retries, uploads, restarts.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.task import Clock

from buildfarm.storage import attempts, builds, orders, queue, roster, uploads
from buildfarm.storage.database import Database
from buildfarm.verdicts import settling
from buildfarm.verdicts.transitions import may_follow
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.vocab.progress import ProgressNote
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import Happenings, StorageTestCase, stored

BUILDERS = ("bob", "eve", "joe")

#: The state of a build's queue entry, of its open attempt, and whether it has ended.
EXPECTED = {
    "NEEDSBUILD": ({"WAITING", "SUSPENDED"}, set(), False),
    "BUILDING": ({"RUNNING"}, {"CLAIMED", "SENT", "CONFIRMED"}, False),
    "GATHERING": ({"RUNNING"}, {"SENT", "CONFIRMED"}, False),
    "CANCELLING": ({"CANCELLING"}, {"CLAIMED", "SENT", "CONFIRMED"}, False),
    "UPLOADING": (set(), {"GATHERED"}, False),
}
ENDED: tuple[set[str], set[str], bool] = (set(), set(), True)

_builders = st.sampled_from(BUILDERS)
_ids = st.integers(1, 12)
_sources = st.sampled_from(("a", "b"))
_versions = st.sampled_from(("1.0-1", "1.0-2", "1.0-3"))


class FarmMachine(Happenings, RuleBasedStateMachine):
    """A farm to which things happen."""

    open_copy: Callable[[], tuple[Any, Callable[[], None]]]

    def __init__(self) -> None:
        super().__init__()
        self.store, self.discard = self.open_copy()
        self.clock = Clock()
        self.announced = []
        self.orders: list[BuildOrder] = []

    def teardown(self) -> None:
        """Remove the farm."""
        self.store.close()
        self.discard()

    def attempt(self, happening: Callable[[], Any]) -> Any:
        """Let something happen that may come too late or be refused, and must then do nothing."""
        before = self.rows("SELECT MAX(id) FROM event")
        try:
            return happening()
        except (Refused, StaleState):
            assert before == self.rows("SELECT MAX(id) FROM event")
            return None

    def order(self, which: int) -> BuildOrder | None:
        """One of the orders that were ever given."""
        return self.orders[which % len(self.orders)] if self.orders else None

    @initialize()
    def begin(self) -> None:
        """The manager starts."""
        self.begin_epoch()

    @rule(name=_sources, version=_versions, score=st.integers(-1, 1), arm=st.booleans())
    def somebody_submits(self, name: str, version: str, score: int, arm: bool) -> None:
        """A version of a package is submitted, for one architecture or two."""
        architectures = ("amd64", "arm64") if arm else ("amd64",)
        self.attempt(lambda: self.submit(name, version, architectures, score=score))

    @rule(names=st.lists(_builders, min_size=1, unique=True), clean=st.booleans())
    def builders_ask(self, names: list[str], clean: bool) -> None:
        """Builders ask for work, after they were cleaned or not."""
        ids = [self.builder(name).id for name in names]
        found = self.attempt(lambda: self.claim(*ids, becomes_clean=clean))
        self.orders += [order for order in found or () if order is not None]

    @rule(which=_ids)
    def sent(self, which: int) -> None:
        """A build is about to be sent."""
        if order := self.order(which):
            attempt_id = order.attempt.id
            self.attempt(lambda: self.act(attempts.mark_sent, self.epoch, attempt_id, self.now()))

    @rule(which=_ids, gathering=st.booleans())
    def progress(self, which: int, gathering: bool) -> None:
        """Something becomes known of an attempt."""
        if order := self.order(which):
            note = ProgressNote(
                order.attempt.id, order.attempt.build_id, self.now(), gathering, "tail"
            )
            self.act(attempts.record_progress, self.epoch, [note], self.now())

    @rule(which=_ids, outcome=st.sampled_from(BuildOutcome), changes=st.booleans())
    def ended(self, which: int, outcome: BuildOutcome, changes: bool) -> None:
        """A builder says how a build ended."""
        if order := self.order(which):
            files = (stored("a.changes"),) if changes else ()
            self.attempt(lambda: self.end(order, outcome, log=stored("log"), files=files))

    @rule(
        which=_ids,
        verdict=st.sampled_from(
            (
                settling.settle_lost,
                settling.settle_failure,
                settling.settle_unconfirmed,
                settling.settle_overdue,
                settling.settle_breach,
            )
        ),
    )
    def failed(self, which: int, verdict: Callable[..., Any]) -> None:
        """Something goes wrong with a builder and its job, or with what was its job."""
        if order := self.order(which):
            builder = self.ask(roster.builder, order.attempt.builder_id)
            settlement = verdict(builder, order.standing, "it went wrong", self.now())
            self.attempt(lambda: self.settle(settlement))

    @rule(name=_builders, ok=st.booleans())
    def operator(self, name: str, ok: bool) -> None:
        """A builder is taken out or put back."""
        changes = {"builderok": ok}
        self.act(roster.change_builder, name, changes, "root", self.now())

    @rule(name=_builders, force=st.booleans())
    def replaced(self, name: str, force: bool) -> None:
        """A builder is removed, and added again."""
        removed = self.attempt(
            lambda: self.act(roster.remove_builder, name, force, "root", self.now())
        )
        if removed is not None:
            self.add_builder(name)

    @rule(build_id=_ids, verb=st.sampled_from(("cancel", "retry", "rebuild", "rescore")))
    def person(self, build_id: int, verb: str) -> None:
        """A person asks for something."""
        acts: dict[str, Callable[[], Any]] = {
            "cancel": lambda: self.act(builds.cancel, build_id, "alice", self.now()),
            "retry": lambda: self.act(builds.retry, build_id, False, "alice", self.now()),
            "rebuild": lambda: self.act(builds.retry, build_id, True, "alice", self.now()),
            "rescore": lambda: self.act(builds.rescore, build_id, 5, "alice", self.now()),
        }
        self.attempt(acts[verb])

    @rule(which=_ids, end=st.sampled_from(("publish", "refuse", "postpone")))
    def uploaded(self, which: int, end: str) -> None:
        """An upload ends, or is tried again later."""
        if order := self.order(which):
            it = self.epoch, order.attempt.id
            now = self.now()
            acts: dict[str, Callable[[], Any]] = {
                "publish": lambda: self.publish(order),
                "refuse": lambda: self.act(uploads.refuse_upload, *it, "no", now),
                "postpone": lambda: self.act(uploads.postpone_upload, *it, "busy", now, now),
            }
            self.attempt(acts[end])

    @rule(seconds=st.sampled_from((1, 100, 10_000)))
    def time_passes(self, seconds: int) -> None:
        """Time passes, and delayed builds are released."""
        self.pass_time(seconds)
        self.act(queue.release_due, self.now())

    @rule()
    def restart(self) -> None:
        """The manager is killed and started again."""
        self.begin_epoch()

    @invariant()
    def entries_and_attempts_follow_the_build(self) -> None:
        """Queue entry, open attempt and end time are what the state of the build says."""
        found = self.rows(
            "SELECT build.state, queue.state, attempt.state, build.finished IS NOT NULL,"
            " attempt.number = build.attempt_count FROM build"
            " LEFT JOIN queue ON queue.build_id = build.id"
            " LEFT JOIN attempt ON attempt.build_id = build.id AND attempt.state <> 'CLOSED'"
        )
        for state, entry, attempt, finished, is_last in found:
            entries, open_attempts, ended = EXPECTED.get(state, ENDED)
            assert entry in (entries or {None}), (state, entry)
            assert attempt in (open_attempts or {None}), (state, attempt)
            assert bool(finished) is ended, (state, finished)
            assert attempt is None or is_last
        total = self.rows("SELECT COUNT(*) FROM build")
        assert [(len(found),)] == total, "a build has two open attempts"

    @invariant()
    def builders_hold_one_job(self) -> None:
        """A builder holds one attempt at most, and is not clean while it does."""
        held = self.rows(
            "SELECT attempt.builder_id, builder.clean_status FROM attempt"
            " JOIN builder ON builder.id = attempt.builder_id"
            " WHERE attempt.state IN ('CLAIMED', 'SENT', 'CONFIRMED')"
        )
        assert len(held) == len({builder_id for builder_id, _ in held})
        assert "CLEAN" not in {status for _, status in held}
        assert set(self.ask(orders.open_orders)) == {builder_id for builder_id, _ in held}

    @invariant()
    def the_story_is_whole(self) -> None:
        """The events of each build lead from one state to the next, up to the one it is in."""
        words = {state.value for state in BuildState}
        for build_id, state in self.rows("SELECT id, state FROM build"):
            last = ""
            for step in self.story(build_id):
                before, after = step.split(">")
                if after in words:
                    assert before == last, (before, last)
                    assert not last or may_follow(BuildState(last), BuildState(after))
                    last = after
            assert last == state

    @invariant()
    def published_once(self) -> None:
        """A build is published by one attempt, for ever."""
        published = self.rows(
            "SELECT build_id, COUNT(*) FROM attempt WHERE outcome = 'PUBLISHED' GROUP BY build_id"
        )
        built = self.rows("SELECT id, 1 FROM build WHERE state = 'FULLYBUILT'")
        assert sorted(published) == sorted(built)


class TestInvariants(StorageTestCase):
    timeout = 240.0
    examples = 60

    def copier(self) -> Callable[[], tuple[Any, Callable[[], None]]]:
        """What opens a copy of the test's database: a writer, and what removes the copy."""
        template = self.database.path

        def open_copy() -> tuple[Any, Callable[[], None]]:
            directory = fixtures.TempDir()
            directory.setUp()
            path = Path(directory.path) / "farm.db"
            shutil.copy(template, path)
            store = Database(f"sqlite:///{path}").writer()
            store._connection._raw_connection.execute("PRAGMA synchronous = OFF")
            return store, directory.cleanUp

        return open_copy

    def test_anything_in_any_order(self) -> None:
        """No order of happenings breaks a promise."""
        for name in BUILDERS:
            self.add_builder(name)
        self.store.close()

        class Machine(FarmMachine):
            open_copy = staticmethod(self.copier())

        run_state_machine_as_test(
            Machine, settings=settings(max_examples=self.examples, stateful_step_count=40)
        )
