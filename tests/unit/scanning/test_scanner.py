"""The scanner: cycle after cycle, whatever goes wrong in one of them."""

from itertools import pairwise
from math import inf
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.daemonscript import Script
from buildfarm.scanning.job import Standing
from buildfarm.scanning.scanner import Scanner
from buildfarm.storage import builds, roster
from buildfarm.vocab.errors import StaleState, StorageError
from buildfarm.vocab.states import BuildOutcome, BuildState, CleanStatus, ResetProtocol
from tests.unit.scanning.cases import RESULTS, VIRTUAL, ScanningTestCase


class ScannerTestCase(ScanningTestCase):
    def scan(self, **described: Any) -> Scanner:
        """A running scanner of bob, of whom the roster knows."""
        bob = self.add_builder(**described)
        self.scanner = self.make_scanner(Standing(bob, None))
        self.roster._scanners[bob.id] = self.scanner
        self.storage.publish = self.roster.publish
        self.scanner.start()
        self.addCleanup(self.stop)
        return self.scanner

    def stop(self) -> None:
        stopped = Deferred.fromCoroutine(self.scanner.stop(1.0))
        self.clock.advance(1.0)
        self.successResultOf(stopped)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass in steps shorter than any interval."""
        self.clock.pump([0.1] * round(seconds * 10))

    def asked(self) -> int:
        """How often the daemon was asked for its status since the last time."""
        count = self.called().count("status")
        self.daemon().calls.clear()
        return count


class OverdueTests(ScannerTestCase):
    def test_in_time(self) -> None:
        """A builder that answers is looked at in time, idle or at work."""
        self.scan()
        self.pass_seconds(3)
        self.submit()
        for _ in range(50):
            self.pass_seconds(1)
            self.assertEqual(0.0, self.scanner.overdue)

    def test_no_turn(self) -> None:
        """A look that gets no turn is late."""
        self.patch(self, "turn", lambda builder_id: Deferred())
        self.scan()
        self.clock.advance(90)
        self.assertEqual(90, round(self.scanner.overdue))

    def test_ended(self) -> None:
        """A loop that has ended will never look again, unless it was meant to end."""
        self.scan()
        assert self.scanner._running is not None
        self.scanner._running.cancel()
        self.assertEqual(inf, self.scanner.overdue)
        self.scanner.leave()
        self.assertEqual(0.0, self.scanner.overdue)


class CycleTests(ScannerTestCase):
    def test_a_build_from_claim_to_gathered(self) -> None:
        """Observe, plan, act, until its results wait for their upload and the builder is clean."""
        build_id = self.submit()
        self.scan()
        self.assertEqual(BuildState.BUILDING, self.state(build_id))
        self.pass_seconds(15)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))
        self.assertEqual(CleanStatus.CLEAN, self.builder("bob").clean_status)

    def test_nothing_is_done_before_the_reset_of_an_earlier_manager_has_ended(self) -> None:
        """Not even to a clean builder, which that reset would find at work."""
        over: Deferred[None] = Deferred()
        self.patch(self, "earlier_reset_over", lambda builder: over)
        build_id = self.submit()
        self.scan()
        self.pass_seconds(5)
        self.assertEqual(0, self.asked())
        over.callback(None)
        self.pass_seconds(1)
        self.assertEqual(BuildState.BUILDING, self.state(build_id))

    def test_a_dirty_builder_is_cleaned_first(self) -> None:
        """A stranger's build is aborted, waited for and forgotten; IDLE is asked for twice."""
        client = self.make_client(self.add_builder("other"))
        self.daemons["bob"] = self.daemon("other")
        job = self.job_of(self.claimed(self.builder("other")))
        self.successResultOf(self.dispatcher.dispatch(client, job))
        client.close()
        self.daemon().calls.clear()
        self.scan(clean=False)
        self.pass_seconds(5)
        self.assertEqual(CleanStatus.CLEAN, self.builder("bob").clean_status)
        methods = [call for call in self.called() if call != "status"]
        self.assertEqual(["abort", "clean"], methods)
        self.assertEqual(["clean", "status", "status"], self.called()[-3:])

    def test_an_idle_builder_is_left_alone(self) -> None:
        """One look every 30 s."""
        self.scan()
        self.asked()
        self.pass_seconds(29)
        self.assertEqual(0, self.asked())
        self.pass_seconds(2)
        self.assertEqual(1, self.asked())

    def test_a_job_of_before_a_restart_goes_on(self) -> None:
        """A scanner that begins with an order watches it and gathers it."""
        bob = self.add_builder()
        job = self.job_of(self.claimed(bob))
        client = self.make_client(bob)
        self.successResultOf(self.dispatcher.dispatch(client, job))
        client.close()
        self.scanner = self.make_scanner(Standing(self.builder("bob"), job.order))
        self.roster._scanners[bob.id] = self.scanner
        assert self.scanner.steps.job is not None
        self.scanner.steps.job.state = job.state
        self.scanner.start()
        self.addCleanup(self.stop)
        self.pass_seconds(15)
        self.assertEqual(BuildState.UPLOADING, self.state(job.order.attempt.build_id))
        self.assertEqual(1, len(self.daemon().orders))


class FailureTests(ScannerTestCase):
    def test_the_delay_grows_while_it_fails(self) -> None:
        """After 1, 2, 4, 8 seconds and so on; a dead builder costs next to nothing."""
        self.scan()
        self.pass_seconds(31)
        tries: list[float] = []
        endpoint: Any = self.scanner.steps.client._calls._endpoint
        connect = endpoint.connect

        def noted(factory: Any) -> Any:
            tries.append(self.clock.seconds())
            return connect(factory)

        endpoint.connect = noted
        self.daemon().unreachable = True
        self.scanner.steps.client.close()
        self.pass_seconds(90)
        between = [round(after - before) for before, after in pairwise(tries)]
        self.assertEqual([1, 2, 4, 8, 16], between[:5])

    def test_a_builder_that_comes_back_is_used(self) -> None:
        """Work that waited meanwhile goes to it."""
        self.daemon().unreachable = True
        self.scan()
        build_id = self.submit()
        self.pass_seconds(5)
        self.daemon().unreachable = False
        self.pass_seconds(10)
        self.assertEqual(BuildState.BUILDING, self.state(build_id))

    def test_an_exception_of_any_kind_ends_the_cycle_only(self) -> None:
        """A mistake of ours is logged, and the next cycle comes."""
        self.scan()
        plan = self.scanner._plan

        def broken(said: Any) -> Any:
            raise ZeroDivisionError("a mistake")

        self.scanner._plan = broken  # type: ignore[method-assign]
        self.pass_seconds(32)
        self.assertNotEqual([], self.flush_logged_errors(ZeroDivisionError))
        self.scanner._plan = plan  # type: ignore[method-assign]
        self.asked()
        self.pass_seconds(5)
        self.assertEqual(1, self.asked())

    def test_a_failure_that_cannot_be_judged_is_no_end_either(self) -> None:
        """The next cycle tries again."""

        async def broken(*args: Any) -> Any:
            raise ZeroDivisionError("a mistake in judging")

        self.scan()
        self.judge.failed = broken  # type: ignore[method-assign]
        self.daemon().unreachable = True
        self.scanner.steps.client.close()
        self.pass_seconds(31)
        self.assertNotEqual([], self.flush_logged_errors(ZeroDivisionError))
        self.daemon().unreachable = False
        self.asked()
        self.pass_seconds(3)
        self.assertEqual(1, self.asked())

    def test_nonsense_ends_the_cycle_only(self) -> None:
        """A builder that speaks another language is asked again, later."""
        self.daemon().lies["status"] = "what?"
        self.scan()
        self.pass_seconds(10)
        self.assertIn(self.asked(), range(3, 6))

    def test_its_trouble_is_told_while_it_lasts(self) -> None:
        """With how often in a row, and the last failure in the client's words."""
        self.daemon().lies["status"] = "what?"
        self.scan()
        self.pass_seconds(10)
        trouble = self.scanner.trouble or ""
        self.assertIn("times in a row: ", trouble)
        self.assertIn("answered `status` with nonsense", trouble)
        del self.daemon().lies["status"]
        self.pass_seconds(30)
        self.assertIsNone(self.scanner.trouble)

    def test_a_database_that_is_away_costs_nobody(self) -> None:
        """The builder keeps its count, and its job is settled when the database is back."""
        build_id = self.submit()
        self.scan()
        self.storage.error = StorageError("it is away")
        self.pass_seconds(300)
        self.storage.error = None
        self.pass_seconds(35)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))
        self.assertEqual(0, self.builder("bob").failure_count)

    def test_what_has_moved_on_is_read_again(self) -> None:
        """StaleState means that somebody else changed it: believe the database."""
        self.scan()
        failed = False
        claim = self.roster.claim

        async def stale(request: Any) -> Any:
            nonlocal failed
            if not failed:
                failed = True
                self.act(roster.change_builder, "bob", {"manual": True}, "root", self.now())
                raise StaleState("the builder has moved on")
            return await claim(request)

        self.roster.claim = stale  # type: ignore[method-assign]
        self.scanner.seek_work()
        self.pass_seconds(2)
        self.assertTrue(self.scanner.steps.builder.manual)
        self.assertEqual(0, self.builder("bob").failure_count)


class WakeTests(ScannerTestCase):
    def test_work_that_arrives_is_taken_at_once(self) -> None:
        """Not at the next look."""
        self.scan()
        build_id = self.submit()
        self.scanner.seek_work()
        self.clock.advance(0)
        self.assertEqual(BuildState.BUILDING, self.state(build_id))

    def test_a_changed_row_is_read_at_once(self) -> None:
        """And what follows from it is done: a builder set aside takes nothing."""
        self.scan()
        self.act(roster.change_builder, "bob", {"manual": True}, "root", self.now())
        self.scanner.changed()
        self.clock.advance(0)
        self.assertTrue(self.scanner.steps.builder.manual)

    def test_a_change_while_the_row_is_read_is_not_lost(self) -> None:
        """It is read again."""
        self.scan()
        reads: list[Deferred[Standing]] = []

        def fetch(builder_id: int) -> Deferred[Standing]:
            reads.append(Deferred())
            return reads[-1]

        self.scanner._fetch_standing = fetch
        self.scanner.changed()
        self.clock.advance(0)
        self.scanner.changed()
        reads[0].callback(Standing(self.builder("bob"), None))
        self.clock.advance(0)
        self.act(roster.change_builder, "bob", {"manual": True}, "root", self.now())
        reads[1].callback(Standing(self.builder("bob"), None))
        self.assertTrue(self.scanner.steps.builder.manual)

    def test_a_change_during_a_reset_is_seen_when_it_ends(self) -> None:
        """The reset's own waiting does not use up the wake."""
        self.daemon().unreachable = True
        self.scan(clean=False, **VIRTUAL)
        self.act(roster.change_builder, "bob", {"title": "Robert"}, "root", self.now())
        self.scanner.changed()
        self.pass_seconds(0.1)
        self.daemon().unreachable = False
        self.pass_seconds(2)
        self.assertEqual("Robert", self.scanner.steps.builder.title)

    def test_a_cancel_is_carried_out_at_once(self) -> None:
        """The daemon is told to abort, and the build is CANCELLED when it has."""
        self.daemon().script = lambda order: Script(seconds=10_000)
        build_id = self.submit()
        self.scan()
        self.pass_seconds(60)
        self.act(builds.cancel, build_id, "alice", self.now())
        self.scanner.cancel_job(build_id)
        self.pass_seconds(2)
        self.assertEqual(BuildState.CANCELLED, self.state(build_id))

    def test_a_cancel_of_another_build_concerns_nobody_here(self) -> None:
        """It was on this builder before, perhaps."""
        build_id = self.submit()
        self.scan()
        self.scanner.cancel_job(build_id + 1)
        self.pass_seconds(15)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))

    def test_whoever_watches_sees_the_log_grow(self) -> None:
        """Two looks a second as long as somebody follows it, and no more after that."""
        self.daemon().script = lambda order: Script(seconds=10_000)
        self.submit()
        self.scan()
        self.pass_seconds(200)
        self.asked()
        with self.scanner.watching():
            self.pass_seconds(10)
            self.assertIn(self.asked(), range(15, 21))
        self.pass_seconds(10)
        self.assertLessEqual(self.asked(), 2)

    def test_the_report_of_a_reset_is_heeded_at_once(self) -> None:
        """A 2.0 builder that is CLEAN by somebody's word takes work."""
        described = {**VIRTUAL, "vm_reset_protocol": ResetProtocol.ASYNCHRONOUS}
        self.scan(clean=False, **described)
        self.assertEqual(CleanStatus.CLEANING, self.builder("bob").clean_status)
        self.act(roster.change_builder, "bob", {"clean_status": "CLEAN"}, "root", self.now())
        self.scanner.changed()
        self.pass_seconds(1)
        self.assertFalse(self.scanner.steps.seeking)


class StopTests(ScannerTestCase):
    def test_stop_ends_a_sleep_at_once(self) -> None:
        """Nobody waits for an idle builder's next look."""
        self.scan()
        stopped = Deferred.fromCoroutine(self.scanner.stop(5.0))
        self.clock.advance(0)
        self.successResultOf(stopped)

    def test_stop_lets_the_step_under_way_end(self) -> None:
        """A dispatch that is being answered is confirmed."""
        build_id = self.submit()
        self.daemon().download_seconds = 1.0
        self.scan()
        stopped = Deferred.fromCoroutine(self.scanner.stop(10.0))
        self.clock.pump([1.0] * 4)
        self.successResultOf(stopped)
        self.assertEqual(1, len(self.daemon().orders))
        self.assertEqual(BuildState.BUILDING, self.state(build_id))

    def test_stop_breaks_off_what_takes_too_long(self) -> None:
        """After its grace a hanging call is given up; nothing is judged."""
        self.daemon().hang()
        self.scan()
        stopped = Deferred.fromCoroutine(self.scanner.stop(5.0))
        self.clock.advance(4.9)
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual([], self.storage.acts)
        self.daemon().wake()

    def test_stop_breaks_off_a_judgment(self) -> None:
        """A database that hangs does not hold the scanner."""
        self.scan()
        self.storage.pending = Deferred()
        self.scanner.steps.seeking = True
        self.scanner.seek_work()
        self.clock.advance(0)
        stopped = Deferred.fromCoroutine(self.scanner.stop(5.0))
        self.clock.advance(5.0)
        self.successResultOf(stopped)
        self.storage.pending.callback(None)

    def test_a_removed_builder_is_not_scanned_any_more(self) -> None:
        """Its scanner ends by itself."""
        self.scan()
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        self.scanner.changed()
        self.pass_seconds(1)
        self.asked()
        self.pass_seconds(60)
        self.assertEqual(0, self.asked())
        self.assertEqual((), self.roster.scanners)


class OutcomeTests(ScannerTestCase):
    def test_each_build_ends_and_the_next_begins(self) -> None:
        """Whatever the outcome, the builder goes on at once."""
        outcomes = iter([BuildOutcome.PACKAGEFAIL, BuildOutcome.OK, BuildOutcome.CHROOTFAIL])
        self.daemon().script = lambda order: Script(next(outcomes), results=RESULTS)
        ids = [self.submit(f"package{number}") for number in range(3)]
        self.scan()
        self.pass_seconds(45)
        self.assertEqual(
            [BuildState.FAILEDTOBUILD, BuildState.UPLOADING, BuildState.CHROOTWAIT],
            [self.state(build_id) for build_id in ids],
        )
