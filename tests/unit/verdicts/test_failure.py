"""Who is to blame when something fails."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.failure import (
    BUILDER_FAILURES,
    BUILDERS_PER_JOB,
    CULPRITS,
    FAILURES_TOGETHER,
    NETWORK_BUILDERS,
    NETWORK_WINDOW,
    ScanFailures,
    Verdict,
    builder_is_out,
    culprit_of,
    judge_failure,
    network_suspects,
)
from buildfarm.vocab import errors
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import Culprit

counts = st.integers(1, 12)


def row_of(times: list[float]) -> ScanFailures:
    """Failed scans at these times, none good between them."""
    row = ScanFailures()
    for time in times:
        row = row.again(time)
    return row


def persistent(times: list[float]) -> bool:
    """Whether failed scans at these times count as one failure by the default settings."""
    settings = ScanningSettings()
    return row_of(times).persistent(times[-1], settings.failures_to_count, settings.failure_span)


class TestScanFailures(FarmTestCase):
    def test_five_in_a_row_and_75_seconds(self) -> None:
        """Five failures count once the first of them is 75 s ago, not before."""
        self.assertTrue(persistent([0, 10, 20, 30, 75]))
        self.assertFalse(persistent([0, 10, 20, 30, 74.9]))

    def test_quick_failures_say_little(self) -> None:
        """Many failures within a minute are not persistent: a daemon restarts that quickly."""
        self.assertFalse(persistent([float(second) for second in range(60)]))

    def test_few_failures_say_little(self) -> None:
        """Four failures do not count, however long they took."""
        self.assertFalse(persistent([0, 1000, 2000, 3000]))

    def test_one_failure(self) -> None:
        """The row begins with its first failure, at whatever time that is."""
        self.assertEqual(ScanFailures(1, 500.0), ScanFailures().again(500.0))
        self.assertEqual(ScanFailures(2, 500.0), ScanFailures().again(500.0).again(600.0))


class TestJudgeFailure(FarmTestCase):
    def test_equal_counts(self) -> None:
        """Equal counts say nothing: wait twice, then try the job elsewhere."""
        self.assertEqual(Verdict.WAIT, judge_failure(1, 1))
        self.assertEqual(Verdict.WAIT, judge_failure(2, 2))
        self.assertEqual(Verdict.REQUEUE, judge_failure(3, 3))
        self.assertEqual(Verdict.REQUEUE, judge_failure(7, 7))

    def test_equal_counts_of_an_attempt_that_is_over(self) -> None:
        """An attempt that cannot go on is queued again without waiting."""
        self.assertEqual(Verdict.REQUEUE, judge_failure(1, 1, may_wait=False))

    def test_the_builder_has_failed_more(self) -> None:
        """A builder that has failed more is cleaned, and taken out at the fifth time."""
        for failures in range(2, BUILDER_FAILURES):
            self.assertEqual(Verdict.DIRTY_AND_REQUEUE, judge_failure(failures, 1))
        self.assertEqual(Verdict.FAIL_BUILDER, judge_failure(BUILDER_FAILURES, 1))
        self.assertEqual(Verdict.FAIL_BUILDER, judge_failure(9, 4))

    def test_the_job_has_failed_more(self) -> None:
        """A job that has failed with other builders too is at fault."""
        self.assertEqual(Verdict.FAIL_JOB, judge_failure(1, 2))
        self.assertEqual(Verdict.FAIL_JOB, judge_failure(8, 9))

    def test_a_builder_without_a_job(self) -> None:
        """With no job that could be at fault, it is the builder."""
        self.assertEqual(Verdict.DIRTY_AND_REQUEUE, judge_failure(1, 0))
        self.assertEqual(Verdict.FAIL_BUILDER, judge_failure(5, 0))

    def test_a_job_costs_two_builders_at_most(self) -> None:
        """The second builder that a job takes down is the last: the job fails with it."""
        self.assertEqual(Verdict.FAIL_BUILDER, builder_is_out(0))
        self.assertEqual(Verdict.FAIL_BOTH, builder_is_out(BUILDERS_PER_JOB - 1))
        self.assertEqual(Verdict.FAIL_BOTH, judge_failure(5, 1, builders_cost=1))

    @given(counts, st.integers(0, 12), st.integers(0, 3), st.booleans())
    def test_the_side_with_more_failures_pays(
        self, builder: int, job: int, cost: int, may_wait: bool
    ) -> None:
        """Nobody is failed who has failed less often; waiting ends at three and where it cannot."""
        verdict = judge_failure(builder, job, cost, may_wait)
        if verdict is Verdict.FAIL_JOB:
            self.assertGreater(job, builder)
        if verdict in (Verdict.DIRTY_AND_REQUEUE, Verdict.FAIL_BUILDER, Verdict.FAIL_BOTH):
            self.assertGreater(builder, job)
        if verdict is Verdict.WAIT:
            self.assertTrue(may_wait and builder == job and builder < FAILURES_TOGETHER)

    def test_every_verdict_is_passed(self) -> None:
        """Over all small counts, each verdict occurs: none is only a word."""
        passed = {
            judge_failure(builder, job, cost, may_wait)
            for builder in range(1, 7)
            for job in range(7)
            for cost in range(2)
            for may_wait in (True, False)
        }
        self.assertEqual(set(Verdict), passed)


class TestNetworkSuspects(FarmTestCase):
    def test_a_switch_dies(self) -> None:
        """A fifth of the farm that begins to fail within a minute is the network's fault."""
        failing = {number: 100.0 + number for number in range(20)}
        self.assertEqual(frozenset(range(20)), network_suspects(failing, builders=100))

    def test_less_than_a_fifth(self) -> None:
        """19 of 100 builders are 19 builders."""
        failing = {number: 100.0 + number for number in range(19)}
        self.assertEqual(frozenset(), network_suspects(failing, builders=100))

    def test_at_least_three(self) -> None:
        """Two of five builders are not the network, three are."""
        self.assertEqual(frozenset(), network_suspects({1: 0.0, 2: 1.0}, builders=5))
        self.assertEqual(
            frozenset({1, 2, 3}), network_suspects({1: 0.0, 2: 1.0, 3: 2.0}, builders=5)
        )

    def test_they_stay_suspects_while_they_fail(self) -> None:
        """The network may be away for hours: it is the beginnings that lie within a minute."""
        failing = {1: 0.0, 2: 30.0, 3: 60.0}
        self.assertEqual(frozenset({1, 2, 3}), network_suspects(failing, builders=3))

    def test_machines_that_died_on_different_days(self) -> None:
        """Builders that began to fail at different times do not excuse each other."""
        failing = {number: number * (NETWORK_WINDOW + 1) for number in range(10)}
        self.assertEqual(frozenset(), network_suspects(failing, builders=10))

    def test_an_old_failure_beside_an_outage(self) -> None:
        """A builder that had failed long before the outage is judged as ever."""
        failing = {1: 0.0, 2: 500.0, 3: 510.0, 4: 520.0}
        self.assertEqual(frozenset({2, 3, 4}), network_suspects(failing, builders=5))

    def test_nobody_fails(self) -> None:
        """No failure, no suspect."""
        self.assertEqual(frozenset(), network_suspects({}, builders=100))

    @given(st.dictionaries(st.integers(0, 60), st.integers(0, 400).map(float)), st.integers(1, 60))
    def test_who_has_company(self, failing: dict[int, float], builders: int) -> None:
        """A suspect is exactly who shares one minute with enough others."""
        least = max(NETWORK_BUILDERS, builders / 5)
        expected = set()
        for begin in failing.values():
            together = {
                number
                for number, since in failing.items()
                if begin <= since <= begin + NETWORK_WINDOW
            }
            if len(together) >= least:
                expected |= together
        self.assertEqual(expected, network_suspects(failing, builders))


def every_error(kind: type[errors.FarmError] = errors.FarmError) -> set[type[errors.FarmError]]:
    """`kind` and all that derive from it in `vocab`."""
    found = {kind}
    for derived in kind.__subclasses__():
        if derived.__module__ == errors.__name__:
            found |= every_error(derived)
    return found


class TestCulpritOf(FarmTestCase):
    def test_every_error_has_a_culprit(self) -> None:
        """Every error of `vocab` is somebody's: itself or a class that it derives from."""
        for kind in every_error():
            error = kind.__new__(kind)
            nearest = next(base for base in kind.__mro__ if base in CULPRITS)
            self.assertEqual(CULPRITS[nearest], culprit_of(error))

    def test_faults_of_the_manager(self) -> None:
        """A full disk, an absent database or an archive that is away is nobody else's fault."""
        for error in (
            errors.DiskFull("no room"),
            errors.StorageError("gone"),
            errors.StaleState("moved on"),
            errors.UploadPostponed("later"),
        ):
            self.assertEqual(Culprit.MANAGER, culprit_of(error))

    def test_faults_on_a_builder(self) -> None:
        """What goes wrong with a builder is the builder's or the job's: the counts will tell."""
        for error in (
            errors.BuilderUnreachable("no answer"),
            errors.BuilderTimedOut("slow"),
            errors.BuilderNonsense("what?"),
            errors.BuilderFault("error", 8002),
            errors.ResultsCorrupt("another digest"),
        ):
            self.assertEqual(Culprit.BOTH, culprit_of(error))

    def test_faults_of_one(self) -> None:
        """Results over a limit are the job's, a failed reset is the builder's."""
        self.assertEqual(Culprit.JOB, culprit_of(errors.ResultsRefused("too big")))
        self.assertEqual(Culprit.BUILDER, culprit_of(errors.ResetFailed("exit 1")))

    def test_refusals_to_people(self) -> None:
        """A person's mistake is nobody's failure."""
        self.assertEqual(Culprit.NOBODY, culprit_of(errors.Refused("no")))
        self.assertEqual(Culprit.NOBODY, culprit_of(errors.SettingsError("no")))
