"""Samples of the farm for its chart."""

from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.storage.samples import KEPT, samples, take_sample
from buildfarm.vocab.states import BuildOutcome
from tests.unit.storage.cases import StorageTestCase


class SampleTests(StorageTestCase):
    def take(self) -> tuple[int, int, int, int] | None:
        """A sample taken now: waiting, running, built, failed."""
        one = self.act(take_sample, self.now())
        return None if one is None else (one.waiting, one.running, one.built, one.failed)

    def test_each_counts_what_ended_since_the_last(self) -> None:
        """And what waits and runs at its moment."""
        bob, carol = self.add_builder(), self.add_builder("carol")
        for name in ("one", "two", "three"):
            self.submit(name)
        self.pass_time(10)
        self.assertEqual((3, 0, 0, 0), self.take())
        first, second = self.start(bob), self.start(carol)
        self.gather(first)
        self.publish(first)
        self.pass_time(10)
        self.assertEqual((1, 1, 1, 0), self.take())
        self.end(second, BuildOutcome.PACKAGEFAIL)
        self.pass_time(10)
        self.assertEqual((1, 0, 0, 1), self.take())
        self.pass_time(10)
        self.assertEqual((1, 0, 0, 0), self.take())
        found = self.ask(samples, BEGINNING + timedelta(seconds=20))
        self.assertEqual(
            [20, 30, 40], [int((one.time - BEGINNING).total_seconds()) for one in found]
        )

    def test_old_ones_go(self) -> None:
        """What the chart does not show stays for some days."""
        self.pass_time(1)
        self.take()
        self.pass_time(KEPT.total_seconds() + 1)
        self.take()
        self.assertEqual([self.now()], [one.time for one in self.ask(samples, BEGINNING)])

    def test_a_clock_that_was_set_back(self) -> None:
        """Writes nothing until it has come to where it was."""
        self.pass_time(100)
        self.take()
        self.assertIsNone(self.take())
