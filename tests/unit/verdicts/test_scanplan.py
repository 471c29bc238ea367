"""The scan plan: every combination has a step, and the doubtful ones are the safe ones."""

from dataclasses import replace

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_builder
from buildfarm.verdicts.scanplan import (
    TABLE,
    Holding,
    Machine,
    Said,
    Step,
    holding_of,
    machine_of,
    plan,
    said_of,
)
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import AttemptState, CleanStatus, DaemonStatus, ResetProtocol

COOKIE = "PACKAGEBUILD-1-1-0a1b2c3d"
OTHER_COOKIE = "PACKAGEBUILD-2-1-0a1b2c3d"

REAL = a_builder()
VIRTUAL = replace(
    REAL, virtualized=True, vm_host="host", vm_reset_protocol=ResetProtocol.SYNCHRONOUS
)


def said(status: DaemonStatus, cookie: str | None = None) -> Observation:
    return Observation(status, cookie)


class TableTests(FarmTestCase):
    def test_no_combination_is_missing(self) -> None:
        """Every machine, clean status, holding and answer has exactly one step."""
        combinations = {
            (machine, clean, holding, answer)
            for machine in Machine
            for clean in CleanStatus
            for holding in Holding
            for answer in Said
        }
        self.assertEqual(combinations, set(TABLE))

    def test_nothing_is_asked_twice_before_a_step(self) -> None:
        """Once a builder has answered, the step is never to ask again from the start."""
        asked = {step for (*_, answer), step in TABLE.items() if answer is not Said.UNASKED}
        self.assertNotIn(Step.ASK, asked)

    def test_work_is_claimed_only_for_an_idle_clean_builder(self) -> None:
        """SEEK stands nowhere but at CLEAN, holding nothing and IDLE."""
        found = {key[1:] for key, step in TABLE.items() if step is Step.SEEK}
        self.assertEqual({(CleanStatus.CLEAN, Holding.NOTHING, Said.IDLE)}, found)

    def test_only_our_own_cookie_is_gathered(self) -> None:
        """Results are fetched only from WAITING with the cookie of a job that was sent."""
        found = {key[2:] for key, step in TABLE.items() if step is Step.GATHER}
        sent = (Holding.SENT, Holding.CONFIRMED, Holding.CANCELLING)
        self.assertEqual({(holding, Said.WAITING_OURS) for holding in sent}, found)

    def test_a_job_that_was_sent_is_never_sent_again(self) -> None:
        """DISPATCH goes on only with a job of which nothing was sent."""
        found = {key[2] for key, step in TABLE.items() if step is Step.DISPATCH}
        self.assertEqual({Holding.CLAIMED}, found)

    def test_no_job_is_kept_on_a_builder_that_is_not_dirty(self) -> None:
        """Where the clean status contradicts the job, the job is lost, whatever is said."""
        for (_, clean, holding, answer), step in TABLE.items():
            if clean is CleanStatus.DIRTY or holding is Holding.NOTHING:
                continue
            expected = Step.CANCEL if holding is Holding.CLAIMED_CANCELLING else Step.LOSE
            self.assertEqual(expected, step, (clean, holding, answer))


class PlanTests(FarmTestCase):
    def test_a_clean_idle_builder_seeks_work(self) -> None:
        """The common case."""
        self.assertEqual(Step.ASK, plan(REAL, Holding.NOTHING, None, None))
        idle = said(DaemonStatus.IDLE)
        self.assertEqual(Step.SEEK, plan(REAL, Holding.NOTHING, None, idle))

    def test_a_manual_builder_is_watched_but_claims_nothing(self) -> None:
        """`manual` keeps a builder from being dispatched to, not from being kept clean."""
        manual = replace(REAL, manual=True)
        idle = said(DaemonStatus.IDLE)
        self.assertEqual(Step.REST, plan(manual, Holding.NOTHING, None, idle))
        dirty = replace(manual, clean_status=CleanStatus.DIRTY)
        self.assertEqual(Step.CONFIRM_IDLE, plan(dirty, Holding.NOTHING, None, idle))

    def test_a_failed_builder_is_left_alone_once_it_holds_nothing(self) -> None:
        """A builder that was taken out is not even asked; the job it still holds is."""
        failed = replace(REAL, builderok=False, clean_status=CleanStatus.DIRTY)
        self.assertEqual(Step.REST, plan(failed, Holding.NOTHING, None, None))
        self.assertEqual(Step.ASK, plan(failed, Holding.CONFIRMED, COOKIE, None))

    def test_a_removed_builder_gives_its_job_up(self) -> None:
        """Who removes a builder by force wants its build done elsewhere, at once."""
        removed = replace(REAL, active=False, clean_status=CleanStatus.DIRTY)
        for holding in set(Holding) - {Holding.NOTHING}:
            self.assertEqual(Step.LOSE, plan(removed, holding, COOKIE, None))
        self.assertEqual(Step.REST, plan(removed, Holding.NOTHING, None, None))

    def test_a_dirty_virtual_builder_is_reset_unasked(self) -> None:
        """What a used virtual builder says is of no interest."""
        dirty = replace(VIRTUAL, clean_status=CleanStatus.DIRTY)
        self.assertEqual(Step.RESET, plan(dirty, Holding.NOTHING, None, None))

    def test_a_reset_that_a_former_manager_began_is_awaited_or_repeated(self) -> None:
        """CLEANING is awaited with protocol 2.0; with 1.1 nobody would ever report its end."""
        cleaning = replace(VIRTUAL, clean_status=CleanStatus.CLEANING)
        self.assertEqual(Step.RESET, plan(cleaning, Holding.NOTHING, None, None))
        reported = replace(cleaning, vm_reset_protocol=ResetProtocol.ASYNCHRONOUS)
        self.assertEqual(Step.AWAIT_RESET, plan(reported, Holding.NOTHING, None, None))

    def test_a_sent_job_is_adopted_by_its_cookie(self) -> None:
        """After a crash, BUILDING or WAITING with the cookie of the SENT attempt is ours."""
        dirty = replace(REAL, clean_status=CleanStatus.DIRTY)
        building = said(DaemonStatus.BUILDING, COOKIE)
        self.assertEqual(Step.WATCH, plan(dirty, Holding.SENT, COOKIE, building))
        waiting = said(DaemonStatus.WAITING, COOKIE)
        self.assertEqual(Step.GATHER, plan(dirty, Holding.SENT, COOKIE, waiting))
        other = said(DaemonStatus.WAITING, OTHER_COOKIE)
        self.assertEqual(Step.LOSE, plan(dirty, Holding.SENT, COOKIE, other))

    def test_a_builder_that_works_while_clean_is_in_breach(self) -> None:
        """Nothing may run on a CLEAN builder."""
        building = said(DaemonStatus.BUILDING, COOKIE)
        self.assertEqual(Step.BREACH, plan(REAL, Holding.NOTHING, None, building))


class ReadingTests(FarmTestCase):
    def test_how_a_builder_is_cleaned_follows_from_its_reset_protocol(self) -> None:
        """A virtual builder without a protocol is treated like one with 1.1."""
        asynchronous = replace(VIRTUAL, vm_reset_protocol=ResetProtocol.ASYNCHRONOUS)
        self.assertEqual(Machine.REAL, machine_of(REAL))
        self.assertEqual(Machine.VIRTUAL_1_1, machine_of(VIRTUAL))
        self.assertEqual(Machine.VIRTUAL_1_1, machine_of(replace(VIRTUAL, vm_reset_protocol=None)))
        self.assertEqual(Machine.VIRTUAL_2_0, machine_of(asynchronous))

    def test_an_attempt_that_left_its_builder_is_not_held(self) -> None:
        """GATHERED and CLOSED attempts no longer occupy a builder, cancelled or not."""
        for state in (None, AttemptState.GATHERED, AttemptState.CLOSED):
            for cancelling in (False, True):
                self.assertEqual(Holding.NOTHING, holding_of(state, cancelling))

    def test_a_cancel_is_part_of_what_is_held(self) -> None:
        """Before anything was sent a cancel needs no abort."""
        self.assertEqual(Holding.CLAIMED_CANCELLING, holding_of(AttemptState.CLAIMED, True))
        self.assertEqual(Holding.CANCELLING, holding_of(AttemptState.SENT, True))
        self.assertEqual(Holding.CANCELLING, holding_of(AttemptState.CONFIRMED, True))

    def test_a_job_without_our_cookie_is_anothers(self) -> None:
        """No cookie at all, or another's, is never ours; IDLE is nobody's."""
        for cookie in (None, "", OTHER_COOKIE, COOKIE.lower()):
            building = said(DaemonStatus.BUILDING, cookie)
            self.assertEqual(Said.BUILDING_OTHER, said_of(building, COOKIE))
        self.assertEqual(Said.IDLE, said_of(said(DaemonStatus.IDLE, COOKIE), COOKIE))
        self.assertEqual(Said.BUILDING_OTHER, said_of(said(DaemonStatus.BUILDING, None), None))
