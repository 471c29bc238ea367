"""The queue: order, positions, and what may not go yet."""

from datetime import datetime
from unittest import mock

from buildfarm.storage import builds, queue
from buildfarm.storage.requirements import requirement_id, requirements
from buildfarm.verdicts import settling
from buildfarm.vocab.announcements import WorkArrived
from buildfarm.vocab.states import BuildOutcome, BuildState, QueueState
from tests.unit.storage.cases import StorageTestCase


class TestOrder(StorageTestCase):
    def test_tops(self) -> None:
        """Of each requirement the highest score is first, then the oldest build."""
        self.submit("a", score=1)
        high = self.submit("b", score=9)
        self.submit("c", score=9)
        arm = self.submit("d", architectures=("arm64",), score=5)
        tops = [
            (requirement.processor, top.build_id, top.score)
            for requirement, top in self.ask(queue.tops)
        ]
        self.assertEqual([("amd64", high, 9), ("arm64", arm, 5)], sorted(tops))

    def test_what_does_not_wait_has_no_top(self) -> None:
        """A requirement with which nothing waits any more has no top."""
        self.submit()
        self.start(self.add_builder())
        self.assertEqual([], self.ask(queue.tops))

    def test_from_top(self) -> None:
        """From the top on come all that wait, in their order, each once, however they are read."""
        scores = [(number * 7) % 5 for number in range(30)]
        ids = [self.submit(f"p{number}", score=score) for number, score in enumerate(scores)]
        in_order = [
            build_id for _, build_id in sorted(zip((-score for score in scores), ids, strict=True))
        ]
        [(_, top)] = self.ask(queue.tops)
        for pages in ((1,), (3, 5), (29,), (100,)):
            with mock.patch.object(queue, "_PAGES", pages):
                found = [
                    one.build_id for one in self.ask(lambda store: list(queue.from_top(store, top)))
                ]
            self.assertEqual(in_order, found, pages)

    def test_few_are_read(self) -> None:
        """No more is read than is asked for: the first build of a long queue costs nothing more."""
        for number in range(3):
            self.submit(f"p{number}")
        [(_, top)] = self.ask(queue.tops)
        with mock.patch.object(queue, "_page") as page:
            self.assertEqual(top, next(queue.from_top(self.store, top)))
        page.assert_not_called()

    def test_position(self) -> None:
        """The position counts the builds that the same builders could take first."""
        self.add_archive("virtual", virtualized=True)
        builds_in_order = [
            self.submit("a", score=9),
            self.submit("b", score=5),
            self.submit("c", score=5),
        ]
        self.submit("a", "1.0-2", ("arm64",), score=99, suite="bookworm-security")
        self.submit("a", archive="virtual", score=99)
        positions = [self.ask(queue.queue_position, build_id) for build_id in builds_in_order]
        self.assertEqual([1, 2, 3], positions)

    def test_builds_ahead(self) -> None:
        """Those that the position counts are told in the order in which they go, up to a limit."""
        low = self.submit("a", score=1)
        high, same = self.submit("b", score=9), self.submit("c", score=9)
        self.submit("d", architectures=("arm64",), score=99)
        entry = self.ask(queue.queue_entry, low)
        assert entry is not None
        ahead = self.ask(queue.builds_ahead, entry, 10)
        self.assertEqual([high, same], [one.build_id for one in ahead])
        self.assertEqual([entry.requirement] * 2, [one.requirement for one in ahead])
        self.assertEqual(ahead[:1], self.ask(queue.builds_ahead, entry, 1))

    def test_no_position(self) -> None:
        """A build that runs or has ended has no position."""
        build_id = self.submit()
        order = self.start(self.add_builder())
        self.assertIsNone(self.ask(queue.queue_position, build_id))
        self.end(order, BuildOutcome.PACKAGEFAIL)
        self.assertIsNone(self.ask(queue.queue_position, build_id))
        self.assertIsNone(self.ask(queue.queue_position, 99))

    def test_waiting_requirements(self) -> None:
        """What waits is told by requirement; what runs does not count."""
        self.submit("a", architectures=("amd64", "arm64"))
        self.submit("b")
        waiting = [one.processor for one in self.ask(queue.waiting_requirements)]
        self.assertEqual(["amd64", "arm64"], waiting)
        for name in ("bob", "eve"):
            self.start(self.add_builder(name))
        waiting = [one.processor for one in self.ask(queue.waiting_requirements)]
        self.assertEqual(["arm64"], waiting)


class TestRequirements(StorageTestCase):
    def test_each_once(self) -> None:
        """Equal requirements are one, whatever the order of their resources."""
        first = requirement_id(self.store, "amd64", False, ("large", "fast"))
        self.assertEqual(first, requirement_id(self.store, "amd64", False, ("fast", "large")))
        self.assertNotEqual(first, requirement_id(self.store, "amd64", True, ("fast", "large")))
        self.assertNotEqual(first, requirement_id(self.store, "amd64", False))
        known = {one.id: one for one in requirements(self.store)}
        self.assertEqual(("fast", "large"), known[first].resources)
        self.assertEqual(3, len(known))


class TestDelay(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.build_id = self.submit()

    def give_back(self) -> datetime:
        """Let the builder give the build back; when it may go again."""
        self.end(self.start(self.bob), BuildOutcome.GIVENBACK)
        entry = self.ask(queue.queue_entry, self.build_id)
        assert entry is not None
        assert entry.not_before is not None
        self.assertIs(QueueState.SUSPENDED, entry.state)
        return entry.not_before

    def test_it_waits_for_its_time(self) -> None:
        """A build that was given back is not claimed before its time, and announces nothing."""
        due = self.give_back()
        self.assertEqual([], self.announced)
        self.assertTrue(due > self.now())
        self.assertEqual([None], self.claim(self.bob.id, becomes_clean=True))
        self.assertFalse(self.ask(queue.release_is_due, self.now()))
        self.assertIsNone(self.ask(queue.queue_position, self.build_id))
        self.assertEqual((), self.ask(queue.waiting_requirements))

    def test_it_is_released(self) -> None:
        """When its time has come it waits like any other, and is announced."""
        due = self.give_back()
        self.assertTrue(self.ask(queue.release_is_due, due))
        self.assertEqual(1, self.act(queue.release_due, due))
        self.assertEqual([WorkArrived((1,))], self.announced)
        self.assertEqual(1, self.ask(queue.queue_position, self.build_id))
        self.assertEqual(0, self.act(queue.release_due, due))
        self.assertEqual([], self.announced)

    def test_a_claim_releases(self) -> None:
        """A claim finds what has become due, though nobody has released it."""
        due = self.give_back()
        self.pass_time((due - self.now()).total_seconds())
        [order] = self.claim(self.bob.id, becomes_clean=True)
        assert order is not None
        self.assertEqual(self.build_id, order.attempt.build_id)
        self.assertEqual(2, order.attempt.number)

    def test_cancelled_meanwhile(self) -> None:
        """A delayed build can be cancelled and rescored like any that waits."""
        due = self.give_back()
        self.act(builds.rescore, self.build_id, 50, "alice", self.now())
        self.act(builds.cancel, self.build_id, "alice", self.now())
        self.assertIs(BuildState.CANCELLED, self.state(self.build_id))
        self.assertEqual(0, self.act(queue.release_due, due))

    def test_no_delay(self) -> None:
        """A build that may go at once waits at once."""
        order = self.start(self.bob)
        verdict = settling.settle_lost(self.bob, order.standing, "it answered IDLE", self.now())
        self.settle(verdict)
        self.assertEqual([WorkArrived((1,))], self.announced)
        self.assertEqual(1, self.ask(queue.queue_position, self.build_id))
