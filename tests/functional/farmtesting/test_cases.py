"""`FarmTestCase` under pytest: what passes, what fails, and that it says why."""

import functools
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from twisted.internet.defer import Deferred, fail, succeed

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase

_TREE = Path(__file__).parents[3]
_SAMPLES = Path(__file__).with_name("samples.py")


@functools.cache
def outcomes(*options: str) -> dict[str, str]:
    """What became of each sample: an empty text if it passed, else what pytest says of it."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-c", _TREE / "pyproject.toml", _SAMPLES]
        command += ["-pno:cacheprovider", f"--junit-xml={report}", *options]
        command += ["-ojunit_logging=system-out", "-ojunit_log_passing_tests=false"]
        subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            cwd=_TREE,
            timeout=120,
            check=False,
        )
        cases = ElementTree.parse(report).iter("testcase")
        return {
            f"{case.get('classname', '').split('.')[-1]}.{case.get('name')}": "".join(
                case.itertext()
            )
            for case in cases
        }


class TestOutcomes(FarmTestCase):
    def assert_fails(self, name: str, *why: str) -> None:
        """Assert that the sample `name` fails, and that each text of `why` is in its report."""
        for text in why:
            self.assertIn(text, outcomes()[f"Failing.{name}"])

    def test_good_tests_pass(self) -> None:
        """Sync tests, async tests and tests that return a Deferred pass, set-up being awaited."""
        good = {name: told for name, told in outcomes().items() if name.startswith("Passing")}
        self.assertEqual(4, len(good))
        self.assertEqual({""}, set(good.values()))

    def test_bad_tests_fail(self) -> None:
        """No other sample passes: not one is forgotten below."""
        bad = {name: told for name, told in outcomes().items() if not name.startswith("Passing")}
        self.assertEqual(15, len(bad))
        self.assertEqual([], [name for name, told in bad.items() if not told])

    def test_parallel(self) -> None:
        """Under pytest-xdist the same tests pass and fail."""
        self.assertEqual(
            {name: bool(told) for name, told in outcomes().items()},
            {name: bool(told) for name, told in outcomes("-n1").items()},
        )

    def test_async(self) -> None:
        """An assertion that fails after an `await` fails the test and is shown in its place."""
        self.assert_fails("test_async", "1 != 2", "self.assertEqual(1, 2)")

    def test_deferred(self) -> None:
        """So does one in the callback of a Deferred that the test returns."""
        self.assert_fails("test_deferred", "1 != 2")

    def test_deferred_nobody_looked_at(self) -> None:
        """A Deferred that failed unseen fails the test."""
        self.assert_fails("test_deferred_nobody_looked_at", "ConnectionLost")

    def test_coroutine_nobody_awaited(self) -> None:
        """A coroutine that was made but never awaited fails the test."""
        self.assertIn("never awaited", outcomes()["Failing.test_coroutine_nobody_awaited"])

    def test_delayed_call_left(self) -> None:
        """A delayed call that is left behind fails the test and is named."""
        self.assert_fails("test_delayed_call_left", "print()")

    def test_port_left(self) -> None:
        """A port that is still open fails the test."""
        self.assert_fails("test_port_left", "UncleanReactorError", "Factory")

    def test_unexpected_error_logged(self) -> None:
        """An error in the log fails the test unless it was flushed."""
        self.assert_fails("test_unexpected_error_logged", "ConnectionLost")

    def test_never_ending(self) -> None:
        """A test that takes too long is cancelled, and its clean-ups run."""
        self.assert_fails("test_never_ending", "took longer than 0.2 s", "cleaned up")

    def test_clean_up(self) -> None:
        """An async clean-up is awaited and may fail the test."""
        self.assert_fails("test_clean_up", "1 != 2")

    def test_condition_never_true(self) -> None:
        """Waiting for a condition ends at its deadline and says what did not come true."""
        self.assert_fails("test_condition_never_true", "the sun rises in the west")


class TestAssertions(FarmTestCase):
    def test_time(self) -> None:
        """The wall time of a test moves with its clock."""
        self.clock.advance(1.5)
        self.assertEqual(1.5, (self.utc_now() - BEGINNING).total_seconds())

    def test_success(self) -> None:
        """A result that is there is returned, be it of a Deferred or of a coroutine."""

        async def three() -> int:
            return await succeed(3)

        self.assertEqual(3, self.successResultOf(succeed(3)))
        self.assertEqual(3, self.successResultOf(three()))

    def test_error_instead_of_success(self) -> None:
        """An error in place of a result is raised."""
        self.assertRaises(ZeroDivisionError, self.successResultOf, fail(ZeroDivisionError()))

    def test_failure(self) -> None:
        """A failure that is there is returned if it is of an expected kind, else raised."""
        failure = self.failureResultOf(fail(ZeroDivisionError()), ArithmeticError)
        self.assertIsInstance(failure.value, ZeroDivisionError)
        self.assertRaises(
            ZeroDivisionError, self.failureResultOf, fail(ZeroDivisionError()), KeyError
        )

    def test_no_result(self) -> None:
        """A Deferred without a result keeps working after it was looked at."""
        waiting: Deferred[int] = Deferred()
        self.assertNoResult(waiting)
        waiting.callback(5)
        self.assertEqual(5, self.successResultOf(waiting))

    async def test_wait_until(self) -> None:
        """Waiting returns the first true answer, of a condition that may be async."""
        answers = iter([0, 0, 7])

        async def condition() -> int:
            return next(answers)

        self.assertEqual(7, await self.wait_until(condition))

    def test_directory(self) -> None:
        """Each directory is new and empty."""
        first, second = self.make_directory(), self.make_directory()
        self.assertNotEqual(first, second)
        self.assertEqual([], list(first.iterdir()))
