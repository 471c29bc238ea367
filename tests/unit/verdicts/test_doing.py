"""What a builder does, in one word."""

from dataclasses import replace
from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.verdicts.doing import doing, since
from buildfarm.vocab.glance import Doing, GlancedBuilder, Job
from buildfarm.vocab.states import BuildState, CleanStatus

BOB = GlancedBuilder(
    id=1,
    name="bob",
    processors=("amd64",),
    virtualized=False,
    manual=False,
    builderok=True,
    failnotes=None,
    failure_count=0,
    clean_status=CleanStatus.CLEAN,
    changed=BEGINNING,
)
JOB = Job(BEGINNING + timedelta(seconds=5), BuildState.BUILDING)


class DoingTests(FarmTestCase):
    def test_every_combination(self) -> None:
        """Out of service before all else; trouble before what it would do without."""
        busy = replace(BOB, clean_status=CleanStatus.DIRTY, job=JOB)
        cases = [
            (BOB, None, Doing.IDLE),
            (BOB, "fails: no answer", Doing.FAILING),
            (replace(BOB, clean_status=CleanStatus.DIRTY), None, Doing.CLEANING),
            (replace(BOB, clean_status=CleanStatus.CLEANING), None, Doing.CLEANING),
            (replace(BOB, clean_status=CleanStatus.DIRTY), "fails", Doing.RESET_FAILING),
            (busy, None, Doing.BUILDING),
            (busy, "fails", Doing.FAILING),
            (replace(busy, job=replace(JOB, state=BuildState.GATHERING)), None, Doing.GATHERING),
            (replace(BOB, builderok=False), "fails", Doing.DISABLED),
            (replace(busy, builderok=False), None, Doing.DISABLED),
        ]
        for builder, trouble, expected in cases:
            self.assertIs(expected, doing(builder, trouble))

    def test_since(self) -> None:
        """Since it was given its build, taken out, or became as clean as it is."""
        self.assertEqual(BEGINNING, since(BOB))
        self.assertEqual(JOB.since, since(replace(BOB, job=JOB)))
        self.assertIsNone(since(replace(BOB, builderok=False)))
