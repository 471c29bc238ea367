"""The simulation notices what it is for: managers that are broken on purpose are found out.

Each test breaks the manager at one place, or tells a story that cannot be true, and names the
statement that does not hold then.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.scanning import judge, steps
from buildfarm.simulation import archives
from buildfarm.simulation.invariants import STATEMENTS, violations
from buildfarm.simulation.plan import Fault, Kind, Plan, make_plan
from buildfarm.simulation.simulation import simulate
from buildfarm.simulation.story import Story
from buildfarm.storage import orders
from buildfarm.uploading import stage
from buildfarm.uploads import directory
from buildfarm.uploads.directory import publish_into_directory
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState, Culprit
from tests.unit.simulation.cases import SimulationTestCase


def a_plan(*faults: Fault, builds: int = 60) -> Plan:
    """A farm in which only these faults happen."""
    return replace(make_plan(5, builds, frozenset()), faults=faults, requests=())


class MutationTestCase(SimulationTestCase):
    def assert_found(self, begins: str, story: Story) -> None:
        """The statement that begins so does not hold, and others may not hold either."""
        (statement,) = (words for words in STATEMENTS if words.startswith(begins))
        found = violations(story)
        self.assertIn(statement, {one.statement for one in found}, found)


class BrokenManagerTests(MutationTestCase):
    def test_forgetting_at_a_restart_what_builders_hold(self) -> None:
        """Running builds are aborted and their attempts stay open."""
        self.patch(orders, "open_orders", lambda store, web_url: {})
        story = simulate(a_plan(Fault(60.0, Kind.KILL, 3.0, 0)))
        self.assert_found("P5", story)
        self.assert_found("Every build ends", story)

    def test_giving_up_running_builds_at_a_restart(self) -> None:
        """What a restarted manager finds running goes on."""
        self.patch(steps.Steps, "_watch", _losing_what_it_did_not_send(steps.Steps._watch))
        self.assert_found("P5", simulate(a_plan(Fault(60.0, Kind.KILL, 3.0, 0))))

    def test_publishing_again_what_was_prepared(self) -> None:
        """A reader that has taken the results already gets them twice."""

        def forgetful(task: Any, files: Any, *, report: Callable[[str], None]) -> None:
            attempt = replace(task.attempt, prepared=False)
            publish_into_directory(replace(task, attempt=attempt), files, report=report)

        self.patch(archives, "publish_into_directory", forgetful)
        self.patch(directory, "_was_published", lambda *seen: False)
        faults = [Fault(20.0 + 9 * at, Kind.CHILDREN_DIE, 8.0, 0) for at in range(10)]
        self.assert_found("P4", simulate(a_plan(*faults)))

    def test_never_trying_an_upload_again(self) -> None:
        """An archive whose upload under way never ends gets no other."""

        async def for_ever(stage: object, task: object, reason: str) -> None:
            await Deferred()

        self.patch(stage.UploadStage, "_postpone", for_ever)
        plan = a_plan(Fault(20.0, Kind.ARCHIVE_REFUSES, 60.0, 0))
        self.assert_found("Every build ends", simulate(plan))

    def test_blaming_builders_for_the_network(self) -> None:
        """A builder that could not be reached is taken out, though nothing was wrong with it."""
        self.patch(judge, "network_suspects", lambda failing, builders: frozenset())
        plan = a_plan(Fault(20.0, Kind.PARTITION, 1500.0, 0))
        self.assert_found("Nobody is blamed", simulate(replace(plan, healed=1600.0)))

    def test_blaming_builders_for_our_disk(self) -> None:
        """A builder whose results could not be kept is taken out."""
        self.patch(judge, "culprit_of", lambda error: Culprit.BUILDER)
        plan = a_plan(Fault(20.0, Kind.DISK_FULL, 1500.0, 0))
        self.assert_found("Nobody is blamed", simulate(replace(plan, healed=1600.0)))

    def test_an_error_that_is_none_of_ours(self) -> None:
        """A mistake in the program is not only logged."""

        def mistaken(*args: object) -> float:
            raise KeyError("a mistake")

        self.patch(stage, "retry_delay", mistaken)
        plan = a_plan(Fault(20.0, Kind.ARCHIVE_REFUSES, 60.0, 0))
        self.assert_found("What goes wrong", simulate(plan))


def _losing_what_it_did_not_send(watch: Any) -> Any:
    async def losing(self: Any, said: Any) -> float:
        if (
            self.job.state is AttemptState.CONFIRMED
            and self.job.order.attempt.confirmed is not None
        ):
            lost: float = await self._lose(said)
            return lost
        watched: float = await watch(self, said)
        return watched

    return losing


class UntrueStoryTests(MutationTestCase):
    """Stories of a true run in which one thing was changed afterwards."""

    true: Story

    def setUp(self) -> None:
        super().setUp()
        self.true = simulate(a_plan(builds=20))
        self.assertEqual([], violations(self.true))

    def test_two_open_attempts(self) -> None:
        """A build is claimed again while it runs."""
        claimed = next(event for event in self.true.events if event.after == "CLAIMED")
        at = self.true.events.index(claimed) + 1
        again = replace(claimed, attempt=2, builder="b03")
        events = (*self.true.events[:at], again, *self.true.events[at:])
        self.assert_found("P3", replace(self.true, events=events))

    def test_an_event_that_does_not_follow(self) -> None:
        """A build is FULLYBUILT and was never UPLOADING."""
        events = [event for event in self.true.events if event.after != "UPLOADING"]
        self.assert_found("Every event", replace(self.true, events=tuple(events)))

    def test_results_that_were_never_built(self) -> None:
        """The archive has other files than the daemon made."""
        runs = tuple(replace(run, results={}) for run in self.true.runs)
        self.assert_found("P4", replace(self.true, runs=runs))

    def test_results_that_never_came(self) -> None:
        """A build is FULLYBUILT and in no archive."""
        self.assert_found("P4", replace(self.true, deliveries={}))

    def test_results_of_what_was_aborted(self) -> None:
        """What did not come to its end is gathered."""
        runs = tuple(replace(run, cut_short="it was reset") for run in self.true.runs)
        self.assert_found("Only what was really built", replace(self.true, runs=runs))

    def test_a_build_that_nobody_failed(self) -> None:
        """A build is FAILEDTOBUILD and its builder had said OK."""
        builds = tuple(replace(one, state=BuildState.FAILEDTOBUILD) for one in self.true.builds)
        self.assert_found("Nobody is blamed", replace(self.true, builds=builds))

    def test_an_attempt_that_is_lost(self) -> None:
        """A build that ran undisturbed was not gathered."""
        attempts = tuple(
            replace(one, gathered=None, outcome=AttemptOutcome.LOST) for one in self.true.attempts
        )
        self.assert_found("P5", replace(self.true, attempts=attempts))
