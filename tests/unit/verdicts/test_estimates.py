"""How long a build will take, and when a waiting one will start."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_builder, a_requirement
from buildfarm.verdicts.candidates import fits
from buildfarm.verdicts.estimates import (
    DEFAULT_DURATION,
    MOST_SIMULATED,
    OVERDUE_GUESS,
    Occupation,
    Waiting,
    estimated_duration,
    estimated_start,
    remaining,
)
from buildfarm.vocab.build import Requirement
from buildfarm.vocab.builder import BuilderSnapshot

AMD64 = a_requirement()
ARM64 = a_requirement(id=2, processor="arm64")
BIG = a_requirement(id=3, resources=("big",))

KINDS = (AMD64, ARM64, BIG)

FARM = (
    a_builder(id=1, name="bob", processors=("amd64",)),
    a_builder(id=2, name="kim", processors=("amd64", "arm64")),
    a_builder(id=3, name="max", processors=("amd64",), open_resources=("big",)),
)


def waiting(seconds: float, requirement: Requirement = AMD64) -> Waiting:
    """A waiting build that is expected to take so long."""
    return Waiting(requirement, seconds)


def idle(*builders: BuilderSnapshot) -> list[Occupation]:
    """These builders with nothing to do."""
    return [Occupation(builder, 0.0) for builder in builders]


def played_forward(
    build: Waiting, ahead: list[Waiting], occupations: list[Occupation]
) -> float | None:
    """The same forecast in the plainest way: each build to the first builder that becomes free."""
    free_at = [one.free_in for one in occupations]
    start = None
    for other in [*ahead, build]:
        fitting = [
            index
            for index, one in enumerate(occupations)
            if one.builder.dispatchable and fits(one.builder, other.requirement)
        ]
        if not fitting:
            continue
        chosen = min(fitting, key=lambda index: (free_at[index], index))
        if other is build:
            start = free_at[chosen]
        free_at[chosen] += other.estimated_duration
    return start


class TestEstimatedDuration(FarmTestCase):
    def test_median_of_the_same(self) -> None:
        """One odd build among the last few of the same source and architecture decides nothing."""
        self.assertEqual(
            110.0, estimated_duration([100.0, 5000.0, 110.0, 120.0, 1.0], [7.0], [9.0])
        )

    def test_the_latest_count(self) -> None:
        """A package that has grown is believed after a few builds."""
        self.assertEqual(900.0, estimated_duration([900.0] * 5 + [10.0] * 100))

    def test_the_nearest_kind(self) -> None:
        """Without earlier builds here those elsewhere count, then any on this architecture."""
        self.assertEqual(70.0, estimated_duration([], [70.0], [9.0]))
        self.assertEqual(9.0, estimated_duration([], [], [9.0]))
        self.assertEqual(DEFAULT_DURATION, estimated_duration())

    def test_a_clock_that_was_set_back(self) -> None:
        """Durations that cannot be are not counted."""
        self.assertEqual(70.0, estimated_duration([-3600.0, 0.0], [70.0]))


class TestRemaining(FarmTestCase):
    def test_as_expected(self) -> None:
        """A build needs what is left of its estimate."""
        self.assertEqual(240.0, remaining(300.0, 60.0))

    def test_overdue(self) -> None:
        """A build that has outlived its estimate is given two more minutes."""
        self.assertEqual(OVERDUE_GUESS, remaining(300.0, 300.0))
        self.assertEqual(OVERDUE_GUESS, remaining(300.0, 90_000.0))


class TestEstimatedStart(FarmTestCase):
    def test_an_idle_builder(self) -> None:
        """With nobody ahead, a build starts at once on a builder that is idle."""
        self.assertEqual(0.0, estimated_start(waiting(60), [], idle(*FARM)))

    def test_all_busy(self) -> None:
        """It starts when the first builder that fits is free."""
        busy = [Occupation(builder, 100.0 * builder.id) for builder in FARM]
        self.assertEqual(100.0, estimated_start(waiting(60), [], busy))
        self.assertEqual(200.0, estimated_start(waiting(60, ARM64), [], busy))

    def test_builds_ahead(self) -> None:
        """Those ahead take the builders that become free first."""
        ahead = [waiting(100), waiting(200), waiting(300)]
        self.assertEqual(100.0, estimated_start(waiting(60), ahead, idle(*FARM)))

    def test_others_are_not_in_the_way(self) -> None:
        """Builds ahead for other machines delay nothing."""
        ahead = [waiting(1000, ARM64)] * 50
        self.assertEqual(0.0, estimated_start(waiting(60, BIG), ahead, idle(*FARM)))

    def test_nobody_fits(self) -> None:
        """Where no builder fits there is no start to be estimated."""
        self.assertIsNone(estimated_start(waiting(60, ARM64), [], idle(FARM[0])))

    def test_builders_that_take_nothing(self) -> None:
        """Disabled, manual and removed builders count for nothing."""
        out = idle(a_builder(builderok=False), a_builder(manual=True), a_builder(active=False))
        self.assertIsNone(estimated_start(waiting(60), [], out))

    def test_a_delay(self) -> None:
        """A build that was given back starts no earlier than it may."""
        build = Waiting(AMD64, 60.0, delay=500.0)
        self.assertEqual(500.0, estimated_start(build, [], idle(*FARM)))

    def test_a_long_queue(self) -> None:
        """Of a queue beyond the bound only the mean counts, shared among those that fit."""
        ahead = [waiting(10)] * (MOST_SIMULATED + 500)
        start = estimated_start(waiting(60), ahead, idle(FARM[0]), more_ahead=1500)
        self.assertEqual((MOST_SIMULATED + 2000) * 10.0, start)

    @given(
        st.lists(st.builds(waiting, st.floats(0, 1000), st.sampled_from(KINDS)), max_size=20),
        st.sampled_from(KINDS),
        st.lists(st.builds(Occupation, st.sampled_from(FARM), st.floats(0, 1000)), max_size=6),
    )
    def test_like_the_plainest_play(
        self, ahead: list[Waiting], requirement: Requirement, occupations: list[Occupation]
    ) -> None:
        """The bookkeeping that makes it quick changes nothing in the answer."""
        build = waiting(60, requirement)
        self.assertEqual(
            played_forward(build, ahead, occupations), estimated_start(build, ahead, occupations)
        )
