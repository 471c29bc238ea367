"""The one base class of every test in the tree.

Beside the layers; its own tests are in `tests/functional/farmtesting/test_cases.py`.

A plain `testtools.TestCase` passes a test that is an `async def` or returns a Deferred, whatever
becomes of it. Here the reactor runs until the test has really ended, and the test fails as well
when it leaves delayed calls, sockets or children behind, when a Deferred failed and nobody looked,
or when an error was logged that the test did not expect.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar, overload

import fixtures
import testtools
from testtools.twistedsupport import flush_logged_errors
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure

from buildfarm.farmtesting.runner import FarmRunTest

T = TypeVar("T")

#: What `FarmTestCase.utc_now` says while the test's clock is at 0.
BEGINNING = datetime(2026, 1, 1)

_POLL_INTERVAL = 0.01


def _returning_deferred(
    function: Callable[..., Coroutine[Deferred[Any], Any, None]],
) -> Callable[..., Deferred[None]]:
    """`function` as testtools can wait for it: it knows Deferreds in `setUp`, not coroutines."""

    @functools.wraps(function)
    def returning_deferred(self: "FarmTestCase") -> Deferred[None]:
        return Deferred.fromCoroutine(function(self))

    return returning_deferred


class FarmTestCase(testtools.TestCase):
    """A test that may be sync, `async def`, or return a Deferred; the same for `setUp`, `tearDown`.

    `reactor` is the real one, running. `clock` is a `Clock` of the test's own for what is tested
    without waiting, and `utc_now` is the wall time that belongs to it. A test that takes longer
    than `timeout` seconds is cancelled, so that its clean-ups still run.
    """

    run_tests_with: Any = FarmRunTest

    #: Seconds that the test method may take.
    timeout = 60.0

    reactor: Any
    clock: Clock

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("setUp", "tearDown"):
            function = cls.__dict__.get(name)
            if inspect.iscoroutinefunction(function):
                setattr(cls, name, _returning_deferred(function))

    def setUp(self) -> None:
        """Give the test its clock. A subclass calls this first, without awaiting it."""
        super().setUp()
        self.clock = Clock()

    def _run_test_method(self, result: Any) -> Deferred[Any]:
        """Run the test, cancelling it when its time is up (testtools would drop its clean-ups)."""
        ended: Deferred[Any] = maybeDeferred(super()._run_test_method, result)
        return ended.addTimeout(self.timeout, self.reactor, self._out_of_time)

    def _out_of_time(self, result: object, timeout: float) -> NoReturn:
        self.fail(f"{self.id()} took longer than {timeout} s")

    def utc_now(self) -> datetime:
        """The wall time by the test's clock, in naive UTC."""
        return BEGINNING + timedelta(seconds=self.clock.seconds())

    def make_directory(self) -> Path:
        """A new empty directory that is removed when the test ends."""
        return Path(self.useFixture(fixtures.TempDir()).path)

    @overload
    async def wait_until(
        self,
        condition: Callable[[], Awaitable[T]],
        deadline: float = 20.0,
        what: str | Callable[[], str] = "",
    ) -> T: ...

    @overload
    async def wait_until(
        self,
        condition: Callable[[], T],
        deadline: float = 20.0,
        what: str | Callable[[], str] = "",
    ) -> T: ...

    async def wait_until(
        self,
        condition: Callable[[], Any],
        deadline: float = 20.0,
        what: str | Callable[[], str] = "",
    ) -> Any:
        """Ask `condition` until its answer is true, and return that answer.

        Fails the test after `deadline` seconds, naming `what` was waited for; a function is asked
        for that text then.
        """
        give_up = self.reactor.seconds() + deadline
        while True:
            asked = condition()
            answer = await asked if inspect.isawaitable(asked) else asked
            if answer:
                return answer
            if self.reactor.seconds() > give_up:
                told = what() if callable(what) else what
                self.fail(f"Not within {deadline} s: {told or inspect.getsource(condition)}")
            await deferLater(self.reactor, _POLL_INTERVAL)

    def successResultOf(self, awaitable: Awaitable[T]) -> T:
        """The result of `awaitable`, which must be there now; its error is raised."""
        results = self._results_of(awaitable)
        if not results:
            self.fail(f"No result yet: {awaitable!r}")
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]  # type: ignore[no-any-return]

    def failureResultOf(self, awaitable: Awaitable[Any], *expected: type[BaseException]) -> Failure:
        """The Failure of `awaitable`, which must be there now; one of `expected`, if named."""
        results = self._results_of(awaitable)
        if not results or not isinstance(results[0], Failure):
            self.fail(f"No failure but {results or 'no result yet'}: {awaitable!r}")
        failure: Failure = results[0]
        if expected and not failure.check(*expected):
            failure.raiseException()
        return failure

    def assertNoResult(self, awaitable: Deferred[Any]) -> None:
        """Fail if `awaitable` has fired; it may be waited for afterwards."""
        results: list[Any] = []

        def look(result: Any) -> Any:
            results.append(result)
            return result

        awaitable.addBoth(look)
        if results:
            self.fail(f"Fired already, with {results[0]!r}: {awaitable!r}")

    def flush_logged_errors(self, *kinds: type[BaseException]) -> list[Failure]:
        """The errors of `kinds` logged so far, which then do not fail the test."""
        return list(flush_logged_errors(*kinds))

    @staticmethod
    def _results_of(awaitable: Awaitable[Any]) -> list[Any]:
        deferred = (
            Deferred.fromCoroutine(awaitable) if inspect.iscoroutine(awaitable) else awaitable
        )
        results: list[Any] = []
        assert isinstance(deferred, Deferred)
        deferred.addBoth(results.append)
        return results
