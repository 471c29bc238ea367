"""Virtual time: things happen when and in the order that they should, and chance has names."""

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.simulation.threads import (
    BlockingCrew,
    SimulatedCrew,
    SimulatedThread,
    current_thread,
    wait_in_thread,
)
from buildfarm.simulation.world import World


class WorldTestCase(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(1)
        self.happened: list[object] = []

    def let_happen(self, delay: float, name: object) -> "object":
        return self.world.callLater(delay, self.happened.append, name)


class TimeTests(WorldTestCase):
    def test_the_clock_jumps_to_what_comes_next(self) -> None:
        """By time, and at one time in the order of the asking."""
        for delay, name in ((2.0, "c"), (1.0, "a"), (2.0, "d"), (1.5, "b")):
            self.let_happen(delay, name)
        self.world.run(1.7)
        self.assertEqual(["a", "b"], self.happened)
        self.assertEqual(1.7, self.world.seconds())
        self.world.run(3.0)
        self.assertEqual(["a", "b", "c", "d"], self.happened)

    def test_what_is_to_come_can_be_moved_and_cancelled(self) -> None:
        """To later, to earlier, and more than once."""
        later, earlier, never = (self.world.callLater(5.0, self.happened.append, n) for n in "len")
        later.reset(8.0)
        later.reset(7.0)
        earlier.reset(1.0)
        never.cancel()
        self.assertEqual([True, True, False], [later.active(), earlier.active(), never.active()])
        self.assertEqual(7.0, later.getTime())
        self.world.run(6.0)
        self.assertEqual(["e"], self.happened)
        self.world.run(7.0)
        self.assertEqual(["e", "l"], self.happened)

    def test_it_can_be_over_early(self) -> None:
        """Nothing more happens then."""
        self.let_happen(1.0, "a")
        self.let_happen(2.0, "b")
        self.assertTrue(self.world.run(10.0, lambda: bool(self.happened)))
        self.assertEqual((["a"], 1.0), (self.happened, self.world.seconds()))

    def test_chance_follows_from_seed_and_name(self) -> None:
        """Streams do not disturb each other."""
        alone = [self.world.stream("a").random() for _ in range(3)]
        other = World(1)
        beside = [(other.stream("a").random(), other.stream("b").random())[0] for _ in range(3)]
        self.assertEqual(alone, beside)
        self.assertNotEqual(alone[0], World(2).stream("a").random())


class ThreadTests(WorldTestCase):
    def test_jobs_happen_at_the_end_of_their_time(self) -> None:
        """As many at once as there are threads."""
        crew = SimulatedCrew(self.world, 2, lambda: 1.0)
        for name in "abc":
            crew.do(lambda name=name: self.happened.append((name, self.world.seconds())))
        self.world.run(10.0)
        self.assertEqual([("a", 1.0), ("b", 1.0), ("c", 2.0)], self.happened)

    def test_a_job_can_wait(self) -> None:
        """In a thread of its own, while everything else goes on."""
        crew = BlockingCrew(self.world, 2, lambda: 1.0)
        answer: Deferred[str] = Deferred()

        def job() -> None:
            current_thread().sleep(2.0)
            self.happened.append(self.world.seconds())
            self.happened.append(wait_in_thread(self, lambda: answer))
            self.happened.append(self.world.seconds())

        crew.do(job)
        self.world.callLater(9.0, answer.callback, "answered")
        self.world.run(20.0)
        self.assertEqual([3.0, "answered", 9.0], self.happened)

    def callFromThread(self, function: "object") -> None:
        """As a reactor."""
        self.world.callLater(0.0, function)  # type: ignore[arg-type]

    def test_an_error_is_raised_where_it_was_waited_for(self) -> None:
        """In the thread."""
        failing: Deferred[None] = Deferred()

        def job() -> None:
            with self.assertRaises(KeyError):
                current_thread().wait_for(failing)
            self.happened.append("caught")

        SimulatedThread(self.world, job).start()
        self.world.callLater(1.0, failing.errback, KeyError("x"))
        self.world.run(2.0)
        self.assertEqual(["caught"], self.happened)

    def test_killed_threads_do_nothing_more(self) -> None:
        """Wherever they wait, and where they have not begun."""
        crew = BlockingCrew(self.world, 2, lambda: 1.0)
        for _ in range(3):
            crew.do(self.wait_and_tell)
        self.world.run(1.5)
        crew.kill()
        self.world.run(100.0)
        self.assertEqual([], self.happened)

    def wait_and_tell(self) -> None:
        current_thread().sleep(5.0)
        self.happened.append("woken")
