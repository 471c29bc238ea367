"""What a failing seed tells: a smaller plan that fails in the same way, and the lines to read."""

from dataclasses import replace

from click.testing import CliRunner
from twisted.internet.defer import Deferred

from buildfarm.simulation.__main__ import main
from buildfarm.simulation.plan import Fault, Kind, Plan, make_plan
from buildfarm.simulation.shorten import Failure, Shortening, failure_of, log_of
from buildfarm.uploading.stage import UploadStage
from buildfarm.vocab.upload import UploadTask
from tests.unit.simulation.cases import SimulationTestCase


class BrokenManagerCase(SimulationTestCase):
    """A manager that hangs after an upload failed, in a farm whose archive refuses for a while."""

    def setUp(self) -> None:
        super().setUp()

        async def for_ever(stage: UploadStage, task: UploadTask, reason: str) -> None:
            await Deferred()

        self.patch(UploadStage, "_postpone", for_ever)

    def plan(self) -> Plan:
        faults = (
            Fault(10.0, Kind.SLOW, 5.0, 1),
            Fault(20.0, Kind.ARCHIVE_REFUSES, 60.0, 0),
            Fault(30.0, Kind.HANG, 5.0, 2),
        )
        return replace(make_plan(5, 30, frozenset()), faults=faults)

    def failure(self) -> Failure:
        failure = failure_of(self.plan())
        assert failure is not None, "it is broken"
        return failure


class ShorteningTests(BrokenManagerCase):
    def test_what_is_left_fails_in_the_same_way(self) -> None:
        """Only the fault that matters is left, and fewer builds."""
        failure = self.failure()
        told: list[str] = []
        short = Shortening(failure, told.append, runs=10).shortest()
        self.assertEqual(failure.first.statement, short.first.statement)
        self.assertEqual([Kind.ARCHIVE_REFUSES], [one.kind for one in short.story.plan.faults])
        self.assertLess(len(short.story.plan.uploads), len(failure.story.plan.uploads))
        self.assertLessEqual(len(told), 10)

    def test_the_log_is_that_of_what_failed(self) -> None:
        """The events of one build, in their order, and the faults near them."""
        failure = self.failure()
        lines = list(log_of(failure))
        build = failure.first.found.build
        self.assertTrue([line for line in lines if f"event build {build}/" in line])
        self.assertFalse(
            [line for line in lines if "event build" in line and f"{build}/" not in line]
        )
        self.assertTrue([line for line in lines if Kind.ARCHIVE_REFUSES.words in line])
        self.assertLessEqual(len(lines), 121)

    def test_a_plan_that_does_not_fail(self) -> None:
        """Is no failure."""
        self.assertIsNone(failure_of(replace(self.plan(), faults=())))


class CommandTests(SimulationTestCase):
    def run_command(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, [*arguments, "--processes", "1", "--builds", "10"])
        return result.exit_code, result.output

    def test_seeds_that_hold(self) -> None:
        """Say how much was run; exit status 0."""
        code, output = self.run_command("--seeds", "2", "--first", "3")
        self.assertEqual(0, code, output)
        self.assertIn("2 of 2 seeds", output)
        self.assertIn("0 failed", output)
