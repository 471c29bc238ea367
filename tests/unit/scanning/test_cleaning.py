"""Cleaning: what is recorded when, and what is believed."""

from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage import roster
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import BuilderError, BuilderNonsense, ResetFailed
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import CleanStatus, DaemonStatus
from buildfarm.wire.builderrpc import status_value
from tests.unit.scanning.cases import VIRTUAL, ScanningTestCase


class ResetTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.vm = self.add_builder("vm", clean=False, **VIRTUAL)
        self.client = self.make_client(self.vm)
        self.addCleanup(self.client.close)
        self.pause = Wakeup(self.clock)

    def asynchronous(self) -> None:
        """Have the end of the reset be reported by somebody."""
        self.change("vm", vm_reset_protocol="2.0")

    def change(self, name: str, **changes: Any) -> None:
        self.act(roster.change_builder, name, changes, "root", self.now())
        self.vm = self.builder(name)

    def begin(self) -> Deferred[tuple[BuilderSnapshot, str]]:
        return Deferred.fromCoroutine(self.cleaner.reset(self.vm, self.client, self.pause))

    def test_with_1_1_it_is_cleaning_before_the_command_runs(self) -> None:
        """A manager that dies meanwhile leaves a builder that is to be reset again."""
        self.resetter.pending = Deferred()
        reset = self.begin()
        self.assertEqual(CleanStatus.CLEANING, self.builder("vm").clean_status)
        self.resetter.pending.callback(None)
        builder, output = self.successResultOf(reset)
        self.assertEqual(CleanStatus.CLEANING, builder.clean_status)
        self.assertEqual("reset\n", output)

    def test_with_2_0_it_is_cleaning_after_the_command(self) -> None:
        """Somebody reports the end, which may come long after; the output is kept at once."""
        self.asynchronous()
        self.resetter.pending = Deferred()
        reset = self.begin()
        self.assertEqual(CleanStatus.DIRTY, self.builder("vm").clean_status)
        self.resetter.pending.callback(None)
        builder, _ = self.successResultOf(reset)
        self.assertEqual(CleanStatus.CLEANING, builder.clean_status)
        self.assertEqual("reset\n", self.builder("vm").reset_output)
        self.assertNotIn("status", self.called("vm"))

    def test_one_found_cleaning_is_reset_again(self) -> None:
        """It stays CLEANING: nothing new is recorded before the command."""
        self.change("vm", clean_status="CLEANING")
        self.successResultOf(self.begin())
        self.assertEqual(["vm"], self.resetter.asked)
        self.assertEqual([], self.storage.acts)

    def test_it_must_answer_idle(self) -> None:
        """A daemon that needs a moment to start is waited for."""
        self.daemon("vm").unreachable = True
        reset = self.begin()
        self.clock.advance(0.2)
        self.assertNoResult(reset)
        self.daemon("vm").unreachable = False
        self.clock.advance(0.5)
        self.successResultOf(reset)

    def test_one_that_does_not_come_back_has_failed(self) -> None:
        """The wait is bounded; the output of the command, which may tell why, is kept."""
        self.daemon("vm").unreachable = True
        self.resetter.output = "it looked well\n"
        reset = self.begin()
        self.clock.pump([0.1] * 100)
        self.failureResultOf(reset, ResetFailed)
        self.assertEqual("it looked well\n", self.builder("vm").reset_output)

    def test_one_that_is_busy_after_its_reset_was_not_reset(self) -> None:
        """The command may have reset another machine."""
        busy = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        self.daemon("vm").lies["status"] = status_value(busy)
        failure = self.failureResultOf(self.begin(), ResetFailed)
        self.assertIn("BUILDING", str(failure.value))
        self.assertEqual("reset\n", self.builder("vm").reset_output)

    def test_what_a_failed_command_printed_is_kept(self) -> None:
        """The builder keeps it, as does the event that tells of the failure."""
        self.resetter.error = ResetFailed("the reset command of vm ended with 1", "no such host")
        self.failureResultOf(self.begin(), ResetFailed)
        self.assertEqual("no such host", self.builder("vm").reset_output)


class RealTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.client = self.make_client(self.bob)
        self.addCleanup(self.client.close)

    def test_clean_after_gather_believes_idle_only(self) -> None:
        """Any other answer, or none, leaves the builder to the slow way."""
        self.daemon().lies["clean"] = "BuilderStatus.WAITING"
        self.failureResultOf(self.cleaner.clean_after_gather(self.client), BuilderNonsense)
        self.daemon().lies["clean"] = "BuilderStatus.IDLE"
        self.successResultOf(self.cleaner.clean_after_gather(self.client))
        del self.daemon().lies["clean"]
        self.failureResultOf(self.cleaner.clean_after_gather(self.client), BuilderError)
        self.assertEqual(["clean.done"], self.checkpoints)

    def test_idle_is_asked_for_once_more(self) -> None:
        """A `build` whose answer never came may begin after the first IDLE."""
        self.assertTrue(self.successResultOf(self.cleaner.confirm_idle(self.client)))
        late = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        self.daemon().lies["status"] = status_value(late)
        self.assertFalse(self.successResultOf(self.cleaner.confirm_idle(self.client)))
