"""When a builder is asked again: soon where something is expected, and never too often."""

import heapq
import random

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.polling import (
    PATIENCE,
    SHORTEST,
    SHORTEST_URGENT,
    FarmLoad,
    is_urgent,
    while_building,
    while_ending,
    while_failing,
    while_idle,
)

#: A farm so small that only the bounds that spare the builders count.
SMALL = FarmLoad(builders=3, urgent=1, scan_cost=0.0002, cpu_share=0.25)

LONGEST = 30.0

HOUR = 3600.0

seconds = st.floats(0, 100_000)
loads = st.builds(
    lambda urgent, others, cost, share: FarmLoad(urgent + others, urgent, cost, share),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.floats(0.0001, 0.01),
    st.floats(0.01, 1.0),
)


def building(elapsed: float, estimated: float, watched: bool = False) -> float:
    """The interval of a build on the small farm."""
    return while_building(elapsed, estimated, watched, LONGEST, SMALL)


class TestWhileBuilding(FarmTestCase):
    def test_early_in_a_long_build(self) -> None:
        """In the middle of a long build the builder is left alone for as long as an idle one."""
        self.assertEqual(LONGEST, building(HOUR / 2, HOUR))

    def test_right_after_the_start(self) -> None:
        """Builds that fail mostly fail early, so a new one is asked soon, then ever later."""
        self.assertEqual(SHORTEST, building(0.0, HOUR))
        self.assertEqual(5.0, building(20.0, HOUR))

    def test_near_the_expected_end(self) -> None:
        """From 5% before its expected end a build is asked ten times a second."""
        self.assertGreater(building(0.94 * HOUR, HOUR), SHORTEST)
        self.assertEqual(SHORTEST_URGENT, building(0.96 * HOUR, HOUR))

    def test_while_the_end_is_due(self) -> None:
        """A build that has outlived its estimate may end at any moment: it is asked often."""
        self.assertEqual(SHORTEST_URGENT, building(1.4 * HOUR, HOUR))

    def test_long_overdue(self) -> None:
        """When the estimate has proved worthless the builder is spared again."""
        self.assertEqual(LONGEST, building(3 * HOUR, HOUR))

    def test_a_short_build(self) -> None:
        """A build of two seconds is due from its first moment."""
        self.assertEqual(SHORTEST_URGENT, building(0.0, 2.0))

    def test_watched(self) -> None:
        """While somebody follows the log it is fetched twice a second."""
        self.assertEqual(SHORTEST, building(HOUR / 2, HOUR, watched=True))

    def test_watched_near_the_end(self) -> None:
        """Watching makes nothing slower."""
        self.assertEqual(SHORTEST_URGENT, building(HOUR, HOUR, watched=True))

    @given(seconds, seconds, st.booleans(), st.floats(1, 60), loads)
    def test_bounds(
        self, elapsed: float, estimated: float, watched: bool, longest: float, load: FarmLoad
    ) -> None:
        """At most 10 a second near the end, else 2; never later than `longest` or our share."""
        interval = while_building(elapsed, estimated, watched, longest, load)
        near_end = is_urgent(elapsed, estimated, watched=False)
        urgent = near_end or watched
        self.assertGreaterEqual(interval, SHORTEST_URGENT if near_end else SHORTEST)
        self.assertGreaterEqual(interval, load.shortest(urgent))
        self.assertLessEqual(interval, max(longest, SHORTEST, load.shortest(urgent)))

    @given(st.floats(0.1, 50_000), seconds)
    def test_an_early_end_is_noticed(self, duration: float, estimated: float) -> None:
        """However wrong the estimate, an end is noticed within a quarter of what the build took."""
        now = 0.0
        while now < duration:
            now += building(now, estimated)
        self.assertLessEqual(now - duration, max(PATIENCE * duration, SHORTEST) + 1e-6)

    @given(st.floats(HOUR, 24 * HOUR))
    def test_a_long_build_costs_little(self, estimated: float) -> None:
        """Before its end is near, a long build is asked hardly more often than an idle builder."""
        now, questions = 0.0, 0
        while not is_urgent(now, estimated, watched=False):
            now += building(now, estimated)
            questions += 1
        self.assertLess(questions, estimated / LONGEST + 50)


class TestOthers(FarmTestCase):
    def test_idle(self) -> None:
        """A builder with nothing to do is looked at every 30 s."""
        self.assertEqual(LONGEST, while_idle(LONGEST, SMALL))

    def test_aborting(self) -> None:
        """An abort is due: it is waited for closely."""
        self.assertEqual(SHORTEST_URGENT, while_ending(SMALL))

    def test_failing(self) -> None:
        """After each failure in a row the next try is later, up to the idle interval."""
        delays = [while_failing(count, LONGEST, SMALL) for count in range(1, 9)]
        self.assertEqual([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0], delays)

    @given(st.integers(1, 10**9), st.floats(1, 60), loads)
    def test_bounds(self, failures: int, longest: float, load: FarmLoad) -> None:
        """Idle and failing builders are asked at most twice a second, and within our share."""
        for interval in (while_idle(longest, load), while_failing(failures, longest, load)):
            self.assertGreaterEqual(interval, SHORTEST)
            self.assertGreaterEqual(interval, load.shortest(urgent=False))
            self.assertLessEqual(interval, max(longest, load.shortest(urgent=False)))
        self.assertGreaterEqual(while_ending(load), SHORTEST_URGENT)
        self.assertGreaterEqual(while_ending(load), load.shortest(urgent=True))


class TestShare(FarmTestCase):
    def test_the_urgent_have_half(self) -> None:
        """A crowd far from its end does not make the few near theirs wait, nor the reverse."""
        crowd = FarmLoad(builders=10_000, urgent=10, scan_cost=0.001, cpu_share=0.25)
        self.assertEqual(SHORTEST_URGENT, while_building(HOUR, HOUR, False, LONGEST, crowd))
        self.assertGreater(while_idle(LONGEST, crowd), LONGEST)
        rush = FarmLoad(builders=10_000, urgent=9_990, scan_cost=0.001, cpu_share=0.25)
        self.assertGreater(while_building(HOUR, HOUR, False, LONGEST, rush), LONGEST)
        self.assertEqual(LONGEST, while_idle(LONGEST, rush))

    def test_all_scans_together(self) -> None:
        """Farms of any size use no more CPU for scans than their share, once each was asked."""
        for builders, cost in ((50, 0.01), (1_000, 0.001), (2_000, 0.003)):
            for share in (0.05, 0.25):
                used = simulated_cpu(builders, cost, share, duration=HOUR)
                first = builders * cost
                self.assertLessEqual(used, share * HOUR + first, (builders, cost, share))

    def test_a_small_farm_is_served_by_its_bounds(self) -> None:
        """Where the share is no limit, the bounds alone keep the cost far below it."""
        used = simulated_cpu(20, 0.0002, 0.25, duration=HOUR)
        self.assertLess(used, 0.05 * 0.25 * HOUR)


def simulated_cpu(builders: int, cost: float, share: float, duration: float) -> float:
    """Seconds of CPU for the scans of a farm that always builds, with estimates of any quality.

    Each builder runs one build after the other, of a minute to an hour, and is asked when
    `while_building` says.
    """
    chance = random.Random(7)
    estimated = [60.0 * 60 ** chance.random() for _ in range(builders)]
    actual = [time * chance.uniform(0.5, 2.0) for time in estimated]
    started = [-chance.uniform(0, time) for time in actual]
    urgent: set[int] = set()
    due = [(chance.uniform(0, LONGEST), builder) for builder in range(builders)]
    heapq.heapify(due)
    used = 0.0
    while due[0][0] < duration:
        now, builder = due[0]
        used += cost
        if now - started[builder] > actual[builder]:
            started[builder] = now
        elapsed = now - started[builder]
        if is_urgent(elapsed, estimated[builder], watched=False):
            urgent.add(builder)
        else:
            urgent.discard(builder)
        load = FarmLoad(builders, len(urgent), cost, share)
        interval = while_building(elapsed, estimated[builder], False, LONGEST, load)
        heapq.heapreplace(due, (now + interval, builder))
    return used
