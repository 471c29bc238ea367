"""The stage: what is due is sent, one at a time for each receiver, until somebody has taken it."""

from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.stage import NewsStage, retry_delay
from buildfarm.storage import outbox
from buildfarm.storage.archives import change_archive
from buildfarm.vocab.announcements import NewsArrived
from buildfarm.vocab.errors import StorageError
from buildfarm.vocab.news import Delivery, DeliveryState
from buildfarm.vocab.notificationsettings import MailSettings, NotificationSettings
from buildfarm.vocab.states import BuildOutcome
from tests.unit.notifying.cases import settings, webhook
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase, stored


class RetryDelayTests(FarmTestCase):
    def test_it_doubles_up_to_a_bound(self) -> None:
        """A receiver that is away for a day is not asked every second."""
        told = NotificationSettings(first_retry=10.0, longest_retry=3600.0)
        delays = [retry_delay(tries, told, 0.5) for tries in (1, 2, 3, 10, 1000)]
        self.assertEqual([10.0, 20.0, 40.0, 3600.0, 3600.0], delays)


class StageCase(StorageTestCase):
    settings = settings(
        None,
        webhook("a"),
        webhook("b"),
        notifications=NotificationSettings(first_retry=10.0, longest_retry=40.0, give_up=100.0),
    )

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder("bob")
        self.sent: list[tuple[Delivery, Deferred[None]]] = []
        self.checkpoints: list[str] = []
        self.storage: Any = InlineStorage(self)
        self.stage = self.start_stage()
        self.addCleanup(self.stop)

    def start_stage(self) -> NewsStage:
        """A stage at work, as a manager has one."""
        stage = NewsStage(
            self.clock,  # type: ignore[arg-type]
            storage=self.storage,
            settings=self.settings,
            send=self.send,
            utc_now=self.utc_now,
            spread=lambda: 0.5,
            checkpoint=self.checkpoints.append,
        )
        stage.start()
        return stage

    def stop(self) -> None:
        """Stop the stage, whatever it is at."""
        stopped = Deferred.fromCoroutine(self.stage.stop(1.0))
        self.clock.pump([0.0, 1.0])
        self.successResultOf(stopped)

    async def send(self, delivery: Delivery) -> None:
        """A receiver that has not answered yet."""
        answer: Deferred[None] = Deferred()
        self.sent.append((delivery, answer))
        await answer

    def fail(self, name: str = "hello") -> None:  # type: ignore[override]
        """Have a build fail, and the stage hear of it."""
        self.submit(name)
        self.end(self.start(self.bob), BuildOutcome.PACKAGEFAIL, log=stored("log"))
        self.stage.publish(NewsArrived())
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Let time pass, and whoever is woken by that go on."""
        self.clock.pump([0, 0, 0, seconds, 0, 0, 0])

    def names(self) -> list[str]:
        """Who was told, in that order."""
        return [delivery.receiver for delivery, _ in self.sent]

    def states(self) -> list[str]:
        """What became of all deliveries, oldest first."""
        found = self.ask(outbox.deliveries, True, 100)
        return [one.state.value for one in reversed(found)]


class DeliveryTests(StageCase):
    def test_told(self) -> None:
        """Each receiver is told once, and that is recorded."""
        self.fail()
        self.assertEqual([], self.sent)
        self.wait(1)
        self.assertEqual(["webhook a", "webhook b"], self.names())
        for _, answer in self.sent:
            answer.callback(None)
        self.wait(200)
        self.assertEqual(2, len(self.sent))
        self.assertEqual(["DELIVERED", "DELIVERED"], self.states())
        self.assertEqual({"news.begun", "news.sent", "news.recorded"}, set(self.checkpoints))

    def test_a_slow_one_delays_no_other(self) -> None:
        """While one receiver does not answer, the other is told of everything."""
        self.fail("one")
        self.wait(1)
        self.sent[1][1].callback(None)
        self.fail("two")
        self.wait(1)
        self.assertEqual(["webhook a", "webhook b", "webhook b"], self.names())
        self.assertEqual(1, self.stage.waiting())

    def test_tried_again(self) -> None:
        """What failed is sent again, later each time, under the same key."""
        self.fail()
        self.wait(1)
        self.sent[1][1].callback(None)
        first, answer = self.sent[0]
        answer.errback(DeliveryFailed("It answers 503."))
        self.wait(9)
        self.assertEqual(2, len(self.sent))
        self.wait(1)
        again, answer = self.sent[2]
        self.assertEqual((first.key, 2), (again.key, again.tries))
        self.assertEqual("It answers 503.", again.last_error)
        answer.errback(DeliveryFailed("It answers 503."))
        self.wait(19)
        self.assertEqual(3, len(self.sent))
        self.wait(1)
        self.assertEqual(4, len(self.sent))

    def test_given_up(self) -> None:
        """What nobody has taken for long is given up, and that is recorded."""
        self.fail()
        self.wait(1)
        self.sent[1][1].callback(None)
        for _ in range(30):
            for _, answer in self.sent:
                if not answer.called:
                    answer.errback(DeliveryFailed("It answers 503."))
            self.wait(10)
        self.assertEqual(["GIVEN_UP", "DELIVERED"], self.states())
        self.assertEqual(2 + 4, len(self.sent))
        told = self.ask(outbox.deliveries, True, 100)[-1]
        self.assertEqual("after 5 tries, the last one: It answers 503.", told.last_error)

    def test_refused(self) -> None:
        """What a receiver refuses for good is given up at once."""
        self.fail()
        self.wait(1)
        self.sent[0][1].errback(DeliveryRefused("It answers 410."))
        self.wait(0)
        self.assertIn(DeliveryState.GIVEN_UP.value, self.states())

    def test_after_a_restart(self) -> None:
        """What was begun and not recorded is sent again by the next manager, under its key."""
        self.fail()
        self.wait(1)
        first = self.sent[0][0]
        again = self.start_stage()
        self.addCleanup(again.stop, 0.0)
        self.wait(10)
        self.assertIn((first.key, 2), [(one.key, one.tries) for one, _ in self.sent])
        self.stage._stopping = True
        Deferred.fromCoroutine(again.stop(0.0))
        self.wait(1)

    def test_stopped(self) -> None:
        """Stopping waits for what is under way, but not for ever."""
        self.fail()
        self.wait(1)
        stopped = Deferred.fromCoroutine(self.stage.stop(1.0))
        self.assertNoResult(stopped)
        self.clock.pump([0, 1.0])
        self.successResultOf(stopped)

    def test_database_that_fails(self) -> None:
        """While the outbox cannot be read nothing is sent; then all is."""
        self.storage.error = StorageError("no disk")
        self.fail()
        self.wait(5)
        self.assertEqual([], self.sent)
        self.storage.error = None
        self.wait(10)
        self.wait(1)
        self.assertEqual(2, len(self.sent))

    def test_private_by_now(self) -> None:
        """Nobody is sent a delivery in which there is nothing left to tell."""
        self.fail()
        self.act(change_archive, "main", {"private": True}, "root", self.now())
        self.wait(1)
        self.assertEqual(([], ["GIVEN_UP"] * 2), (self.sent, self.states()))

    def test_fault_of_our_own(self) -> None:
        """Whatever goes wrong in one look, the next one is made."""
        self.storage.error = ValueError("no notice")
        self.fail()
        self.flush_logged_errors(ValueError)
        self.storage.error = None
        self.wait(10)
        self.wait(1)
        self.assertEqual(2, len(self.sent))


class StormTests(StageCase):
    settings = settings(
        MailSettings(host="mail.example", sender="farm@b", recipients=("ann@b",)),
        notifications=NotificationSettings(),
    )

    def test_a_thousand_builders(self) -> None:
        """What fails together makes one mail, and what goes on failing one in ten minutes."""
        for minute in range(30):
            self.fail(f"p{minute}")
            self.wait(60)
            for _, answer in self.sent:
                if not answer.called:
                    answer.callback(None)
        self.assertEqual([1, 10, 10], [one.count for one, _ in self.sent][:3])
        self.assertEqual(4, len(self.ask(outbox.deliveries, True, 100)))
