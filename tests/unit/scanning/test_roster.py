"""The roster: who is woken for what, and who is scanned."""

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.scanning.job import Standing
from buildfarm.scanning.pauses import DATABASE
from buildfarm.scanning.roster import SLOW_COMMIT, SWEEP_INTERVAL
from buildfarm.storage import builds, queue, roster
from buildfarm.vocab.announcements import BuilderChanged, WorkArrived
from buildfarm.vocab.errors import DiskFull, StorageError
from buildfarm.vocab.states import BuildOutcome, BuildState, CleanStatus
from tests.unit.scanning.cases import VIRTUAL, ScanningTestCase


class RosterTestCase(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage.publish = self.roster.publish

    def start(self) -> None:
        """Scan every builder there is, until the test ends."""
        self.successResultOf(self.roster.start(self.make_scanner))
        self.addCleanup(self.stop)
        self.settle_down()

    def stop(self) -> None:
        stopped = Deferred.fromCoroutine(self.roster.stop(1.0))
        self.clock.advance(1.0)
        self.successResultOf(stopped)

    def settle_down(self) -> None:
        """Let all that is due happen, with no time passing."""
        self.clock.pump([0.0] * 10)

    def write(self, act: Any, *args: Any) -> Any:
        """Commit an act of somebody else; what it announces is published."""
        value = self.successResultOf(self.storage.write(act, *args))
        self.settle_down()
        return value

    def submit(self, *args: Any, **kwargs: Any) -> int:
        """Submit a source package through the manager."""
        build_id = super().submit(*args, **kwargs)
        for announcement in list(self.announced):
            self.roster.publish(announcement)
        self.settle_down()
        return build_id

    def submit_unheard(self, name: str) -> int:
        """Submit a source package of which no announcement comes through."""
        return super().submit(name)

    def builders_of(self, *build_ids: int) -> list[str]:
        """Who got these builds; an empty name for nobody."""
        rows = self.rows(
            "SELECT attempt.build_id, builder.name FROM attempt, builder"
            " WHERE builder.id = attempt.builder_id ORDER BY attempt.id"
        )
        given = dict(rows)
        return [given.get(build_id, "") for build_id in build_ids]


class WorkTests(RosterTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name in ("ann", "bob", "cyd"):
            self.add_builder(name)
        self.add_builder("arm", processors=("arm64",))
        self.start()
        self.clock.advance(SWEEP_INTERVAL)
        self.settle_down()

    def change(self, *names: str, **changes: Any) -> None:
        for name in names:
            self.write(roster.change_builder, name, changes, "root", self.now())

    def test_one_builder_is_woken_for_one_build(self) -> None:
        """The others are not disturbed: nobody claims in vain."""
        self.storage.acts.clear()
        build_id = self.submit()
        self.assertEqual(1, self.storage.acts.count("claim"))
        self.assertEqual(BuildState.BUILDING, self.state(build_id))

    def test_the_longest_idle_goes_first(self) -> None:
        """Work goes round, so that no machine is worn while others rest."""
        ids = [self.submit(f"package{number}") for number in range(3)]
        self.assertEqual(["ann", "bob", "cyd"], self.builders_of(*ids))

    def test_only_a_builder_that_fits_is_woken(self) -> None:
        """Architecture decides, among other things."""
        build_id = self.submit("hello", architectures=("arm64",))
        self.assertEqual(["arm"], self.builders_of(build_id))

    def test_a_builder_set_aside_is_not_woken(self) -> None:
        """It is scanned, and gets nothing."""
        self.change("ann", manual=True)
        self.assertEqual(["bob"], self.builders_of(self.submit()))

    def test_many_builds_wake_many_builders(self) -> None:
        """One for each, at once, also where no such build has come before."""
        ids = [self.submit_unheard(f"package{number}") for number in range(5)]
        requirement = self.ask(queue.waiting_requirements)[0].id
        self.roster.publish(WorkArrived((requirement,) * 5))
        self.settle_down()
        self.assertEqual(["ann", "bob", "cyd", "", ""], self.builders_of(*ids))

    def test_what_is_taken_before_anybody_looks_wakes_nobody(self) -> None:
        """An announcement of a build that does not wait any more is forgotten."""
        self.storage.acts.clear()
        self.roster.publish(WorkArrived((77,)))
        self.settle_down()
        self.clock.pump([SWEEP_INTERVAL] * 3)
        self.assertEqual([], self.storage.acts)

    def test_claims_that_come_together_share_one_act(self) -> None:
        """While one claim is in the database, all that ask go together in the next."""
        self.storage.pending = Deferred()
        self.storage.acts.clear()
        for scanner in self.roster.scanners:
            scanner.seek_work()
        self.settle_down()
        pending, self.storage.pending = self.storage.pending, None
        pending.callback(None)
        self.settle_down()
        self.assertEqual(["claim", "claim"], self.storage.acts)

    def test_a_lost_wake_is_found_by_the_sweep(self) -> None:
        """Whatever went wrong with an announcement costs a second."""
        build_id = self.submit_unheard("hello")
        self.assertEqual([""], self.builders_of(build_id))
        self.clock.advance(SWEEP_INTERVAL)
        self.settle_down()
        self.assertEqual(["ann"], self.builders_of(build_id))

    def test_a_cancel_reaches_the_builder_that_runs_it(self) -> None:
        """The announcement names both."""
        build_id = self.submit()
        self.write(builds.cancel, build_id, "alice", self.now())
        self.clock.pump([0.1] * 30)
        self.assertEqual(BuildState.CANCELLED, self.state(build_id))


class PauseTests(RosterTestCase):
    def test_nothing_is_claimed_while_dispatch_is_paused(self) -> None:
        """Work waits; when the last reason is gone, all who are idle ask for it."""
        self.add_builder()
        self.start()
        self.pauses.pause("disk", "no room")
        build_id = self.submit()
        self.clock.pump([SWEEP_INTERVAL] * 5)
        self.assertEqual([""], self.builders_of(build_id))
        self.pauses.resume("disk")
        self.settle_down()
        self.assertEqual(["bob"], self.builders_of(build_id))

    def test_a_builder_that_becomes_clean_meanwhile_is_recorded_so(self) -> None:
        """Cleaning goes on, and what the reset printed is kept."""
        self.pauses.pause("disk", "no room")
        self.add_builder("vm", clean=False, **VIRTUAL)
        self.start()
        builder = self.builder("vm")
        self.assertEqual(CleanStatus.CLEAN, builder.clean_status)
        self.assertEqual("reset\n", builder.reset_output)
        self.assertNotIn("claim", self.storage.acts)

    def test_what_runs_is_gathered(self) -> None:
        """A pause holds dispatch and nothing else."""
        self.add_builder()
        self.start()
        build_id = self.submit()
        self.pauses.pause("disk", "little room")
        self.clock.pump([0.2] * 100)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))

    def test_a_database_that_is_away_pauses_until_it_is_back(self) -> None:
        """The sweep finds out both."""
        self.start()
        self.storage.error = StorageError("it is away")
        self.clock.advance(SWEEP_INTERVAL)
        self.assertIn("it is away", self.pauses.reasons()[0])
        self.storage.error = None
        self.clock.advance(SWEEP_INTERVAL)
        self.assertFalse(self.pauses)

    def test_a_database_that_takes_no_acts_pauses_until_one_is_committed(self) -> None:
        """That it can be read proves nothing: another process may keep it locked for writers."""
        self.start()
        locked: Deferred[None] = Deferred()
        self.storage.committing_for, self.storage.pending = SLOW_COMMIT + 1, locked
        self.clock.pump([SWEEP_INTERVAL] * 3)
        self.assertIn("taken nothing for 6 s", self.pauses.reasons()[0])
        self.storage.committing_for, self.storage.pending = 0.0, None
        locked.callback(None)
        self.assertFalse(self.pauses)

    def test_nothing_ends_the_sweep(self) -> None:
        """A full disk, or a mistake of ours, is survived: lost wakes are found all the same."""
        self.add_builder()
        self.start()
        for error in (DiskFull("no room"), ZeroDivisionError("a mistake")):
            self.storage.error = error
            self.clock.advance(SWEEP_INTERVAL)
        self.storage.error = None
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        self.pauses.resume(DATABASE)
        build_id = self.submit_unheard("hello")
        self.clock.pump([SWEEP_INTERVAL] * 2)
        self.settle_down()
        self.assertEqual(["bob"], self.builders_of(build_id))


class BuilderTests(RosterTestCase):
    def names(self) -> list[str]:
        return sorted(scanner.steps.builder.name for scanner in self.roster.scanners)

    def test_every_active_builder_is_scanned(self) -> None:
        """Those that were removed are not."""
        self.add_builder("ann")
        self.add_builder("bob")
        self.act(roster.remove_builder, "ann", False, "root", self.now())
        self.start()
        self.assertEqual(["bob"], self.names())

    def test_a_job_of_before_is_taken_up(self) -> None:
        """Each scanner begins with the order that its builder holds."""
        order = self.claimed(self.add_builder())
        self.start()
        self.assertEqual([order.attempt.cookie], [begun.build_id for begun in self.daemon().orders])

    def test_a_new_builder_is_scanned(self) -> None:
        """As soon as it is committed; work that waits goes to it."""
        self.start()
        build_id = self.submit()
        self.add_builder("new")
        for announcement in self.announced:
            self.roster.publish(announcement)
        self.settle_down()
        self.assertEqual(["new"], self.names())
        self.assertEqual(["new"], self.builders_of(build_id))
        self.assertEqual(1, self.pace.builders)

    def test_a_removed_builder_is_not_scanned_any_more(self) -> None:
        """Its scanner ends, and the pace is that of a farm without it."""
        self.add_builder("ann")
        self.add_builder("bob")
        self.start()
        self.write(roster.remove_builder, "ann", False, "root", self.now())
        self.assertEqual(["bob"], self.names())
        self.assertEqual(1, self.pace.builders)
        self.assertEqual(["bob"], self.builders_of(self.submit()))

    def test_a_removed_builder_gives_its_job_up(self) -> None:
        """By force: the build waits again and another takes it."""
        self.add_builder("ann")
        self.start()
        build_id = self.submit()
        self.write(roster.remove_builder, "ann", True, "root", self.now())
        self.clock.pump([0.1] * 10)
        self.assertEqual([], self.names())
        self.assertTrue(self.is_queued(build_id))

    def test_a_changed_builder_takes_what_fits_it_now(self) -> None:
        """Its scanner reads the row again and asks for work."""
        self.add_builder("bob", processors=("arm64",))
        self.start()
        build_id = self.submit()
        changes = {"processors": ("amd64", "arm64")}
        self.write(roster.change_builder, "bob", changes, "root", self.now())
        self.assertEqual(["bob"], self.builders_of(build_id))

    def test_a_builder_that_is_added_during_the_stop_is_not_scanned(self) -> None:
        """Its row is read while everything ends; the next start finds it."""
        self.successResultOf(self.roster.start(self.make_scanner))
        read: Deferred[Standing] = Deferred()
        self.roster.fetch_standing = lambda builder_id: read  # type: ignore[assignment, method-assign]
        bob = self.add_builder()
        self.roster.publish(BuilderChanged(bob.id))
        self.stop()
        read.callback(Standing(bob, None))
        self.assertEqual((), self.roster.scanners)

    def test_after_the_stop_nobody_is_woken(self) -> None:
        """What is announced then, or a pause that ends, finds nobody."""
        self.add_builder()
        self.successResultOf(self.roster.start(self.make_scanner))
        self.settle_down()
        self.clock.advance(SWEEP_INTERVAL)
        self.stop()
        self.roster.everybody_seek()
        build_id = self.submit()
        self.assertEqual([""], self.builders_of(build_id))


class OutcomeTests(RosterTestCase):
    def test_a_given_back_build_is_delayed_and_released(self) -> None:
        """It goes again when it is due, and is then taken by whoever is idle."""
        self.add_builder()
        script = self.daemon().script
        outcomes = iter([BuildOutcome.GIVENBACK])

        def first_given_back(order: Any) -> Any:
            return replace(script(order), outcome=next(outcomes, BuildOutcome.OK))

        self.daemon().script = first_given_back
        self.start()
        build_id = self.submit()
        self.clock.pump([0.5] * 60)
        self.assertEqual(BuildState.NEEDSBUILD, self.state(build_id))
        self.clock.pump([1.0] * 600)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))
