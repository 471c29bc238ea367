"""Tests that must pass and tests that must fail, run by test_cases.py in a pytest of its own."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from buildfarm.farmtesting.cases import FarmTestCase


class Passing(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await deferLater(self.reactor, 0)
        self.prepared = True

    async def tearDown(self) -> None:
        await deferLater(self.reactor, 0)
        super().tearDown()

    def test_sync(self) -> None:
        self.assertTrue(self.prepared)

    async def test_async(self) -> None:
        self.assertEqual(3, await deferLater(self.reactor, 0, lambda: 3))

    def test_deferred(self) -> Deferred[None]:
        return deferLater(self.reactor, 0, lambda: self.assertTrue(self.prepared))

    def test_expected_error_logged(self) -> None:
        Logger().failure("on purpose", Failure(ConnectionLost()))
        self.assertEqual(1, len(self.flush_logged_errors(ConnectionLost)))


class Failing(FarmTestCase):
    timeout = 0.2

    async def test_async(self) -> None:
        await deferLater(self.reactor, 0)
        self.assertEqual(1, 2)

    def test_sync(self) -> None:
        self.assertEqual(1, 2)

    def test_deferred(self) -> Deferred[None]:
        return deferLater(self.reactor, 0, lambda: self.assertEqual(1, 2))

    def test_deferred_nobody_looked_at(self) -> None:
        fail(ConnectionLost())

    async def test_coroutine_nobody_awaited(self) -> None:
        self.wait_until(lambda: True)

    def test_delayed_call_left(self) -> None:
        self.reactor.callLater(10, print)

    def test_port_left(self) -> None:
        self.reactor.listenTCP(0, Factory(), interface="127.0.0.1")

    def test_unexpected_error_logged(self) -> None:
        Logger().failure("by accident", Failure(ConnectionLost()))

    async def test_never_ending(self) -> None:
        self.addCleanup(print, "cleaned up")
        await Deferred()

    async def test_clean_up(self) -> None:
        async def clean_up() -> None:
            await deferLater(self.reactor, 0)
            self.assertEqual(1, 2)

        self.addCleanup(clean_up)

    async def test_condition_never_true(self) -> None:
        await self.wait_until(lambda: False, deadline=0.05, what="the sun rises in the west")

    def test_success_of_nothing(self) -> None:
        self.successResultOf(Deferred())

    def test_failure_of_success(self) -> None:
        self.failureResultOf(succeed(1))

    def test_no_result_of_success(self) -> None:
        self.assertNoResult(succeed(1))


class FailingSetUp(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await deferLater(self.reactor, 0)
        self.assertEqual(1, 2)

    def test_anything(self) -> None:
        pass
