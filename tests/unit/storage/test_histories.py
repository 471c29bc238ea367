"""What has ended in a span of time."""

from datetime import timedelta
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.storage.histories import Ended, attempts_of_build, ended_attempts, ended_builds
from buildfarm.vocab.states import AttemptOutcome, BuildOutcome
from tests.unit.storage.cases import StorageTestCase


class HistoryTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.failed = self.ended("one")
        self.pass_time(1000)
        self.again = self.ended("two")
        self.waiting = self.submit("three")

    def ended(self, name: str, archive: str = "main") -> int:
        """The id of a build that failed 100 seconds after it began."""
        build_id = self.submit(name, archive=archive, score=10)
        order = self.start(self.bob)
        self.pass_time(100)
        self.end(order, BuildOutcome.PACKAGEFAIL)
        return build_id

    def builds(self, size: int = 10, start: int = 0, **wanted: Any) -> list[int]:
        """The ids of builds that ended."""
        return [one.build.id for one in self.ask(ended_builds, Ended(**wanted), size, start)]

    def attempts(self, size: int = 10, start: int = 0, **wanted: Any) -> list[tuple[int, int]]:
        """Build and number of attempts that ended."""
        found = self.ask(ended_attempts, Ended(**wanted), size, start)
        return [(one.build.id, one.attempt.number) for one in found]

    def test_what_has_ended(self) -> None:
        """What waits is not told; the rest is, by id, with builder and outcome."""
        self.assertEqual([self.failed, self.again], self.builds())
        self.assertEqual([(self.failed, 1), (self.again, 1)], self.attempts())
        one = self.ask(ended_attempts, Ended(), 1)[0].attempt
        self.assertEqual(("bob", AttemptOutcome.PACKAGE_FAILED), (one.builder_name, one.outcome))

    def test_span(self) -> None:
        """The beginning belongs to a span, its end does not, so that spans join."""
        moment = BEGINNING + timedelta(seconds=1200)
        for told, two in ((self.builds, self.again), (self.attempts, (self.again, 1))):
            self.assertEqual([two], told(since=moment))
            self.assertNotIn(two, told(until=moment))
            self.assertEqual([], told(since=moment + timedelta(seconds=1)))

    def test_parts(self) -> None:
        """Parts follow each other by id, and none is longer than was asked for."""
        self.assertEqual([self.failed], self.builds(1))
        self.assertEqual([self.again], self.builds(after=self.failed))
        self.assertEqual([(self.again, 1)], self.attempts(after=1))
        self.assertEqual([], self.attempts(after=2))
        self.assertEqual([self.again], self.builds(1, 1))
        self.assertEqual([(self.again, 1)], self.attempts(1, 1))
        self.assertEqual([], self.builds(1, 2))

    def test_private(self) -> None:
        """What is in a private archive is told to those who may see it alone."""
        self.add_archive("secret", private=True)
        hidden = self.ended("four", "secret")
        self.assertNotIn(hidden, self.builds())
        self.assertNotIn((hidden, 1), self.attempts())
        for seen in (frozenset({"secret"}), None):
            self.assertIn(hidden, self.builds(seen=seen))
            self.assertIn((hidden, 1), self.attempts(seen=seen))

    def test_attempts_of_one_build(self) -> None:
        """Every attempt of a build, also the one that is under way."""
        self.start(self.bob)
        [one] = self.ask(attempts_of_build, self.waiting)
        self.assertEqual((self.waiting, None), (one.build.id, one.attempt.outcome))
