"""The outbox: what becomes a notice, whose deliveries it goes into, and how these end."""

from datetime import datetime
from typing import Any

from buildfarm.storage import archives, mailaddresses, outbox, people, uploads
from buildfarm.verdicts import settling
from buildfarm.vocab.announcements import NewsArrived
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.news import Delivery, DeliveryState, NewsKind, Receiver
from buildfarm.vocab.people import ArchiveRight
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import StorageTestCase, stored


def receiver(name: str = "webhook ci", **fields: Any) -> Receiver:
    """A receiver of everything public."""
    described: dict[str, Any] = {
        "kinds": frozenset(NewsKind),
        "archives": frozenset(),
        "private": False,
        "gather": 10.0,
        "interval": 60.0,
        "most": 3,
        **fields,
    }
    return Receiver(name, **described)


class OutboxCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder("bob")

    def fail(self, name: str = "hello", archive: str = "main") -> int:  # type: ignore[override]
        """Have a build fail; its id."""
        build_id = self.submit(name, archive=archive)
        self.end(self.start(self.bob), BuildOutcome.PACKAGEFAIL, log=stored("log"))
        return build_id

    def break_builder(self, order: BuildOrder | None = None) -> None:
        """Have bob be taken out, with what it holds."""
        standing = None if order is None else order.standing
        bob = self.builder("bob")
        verdict = settling.settle_breach(bob, standing, "bob builds secret things", self.now())
        self.settle(verdict)

    def address(self, *receivers: Receiver, requesters: Receiver | None = None) -> int:
        """Address what is new; how many notices that were."""
        return self.act(outbox.address, receivers, requesters, self.now())

    def waiting(self) -> list[Delivery]:
        """What waits, oldest first, with its notices."""
        found = self.ask(outbox.deliveries, False, 100)
        return [self.ask(outbox.delivery, one.id) for one in reversed(found)]

    def begin(self, delivery_id: int, next_try: datetime | None = None) -> Delivery:
        """Begin a try."""
        return self.act(outbox.begin, delivery_id, next_try or self.later(5), False, self.now())


class TestNotices(OutboxCase):
    def told(self) -> list[tuple[str, str | None, str | None]]:
        """Kind, state and title of every notice."""
        self.address(receiver(most=100))
        [delivery] = self.waiting()
        return [
            (
                one.kind.value,
                None if one.state is None else one.state.value,
                None if one.build is None else one.build.title,
            )
            for one in delivery.notices
        ]

    def test_build_that_fails(self) -> None:
        """Its end and the notice of it are one act, which announces that there is news."""
        self.fail()
        self.assertIn(NewsArrived(), self.announced)
        title = "hello 1.0-1 amd64 in main/bookworm"
        self.assertEqual([("build-failed", "FAILEDTOBUILD", title)], self.told())

    def test_every_bad_end(self) -> None:
        """Dep-waits and bad chroots are news as well; good ends are none."""
        for number, outcome in enumerate((BuildOutcome.DEPFAIL, BuildOutcome.CHROOTFAIL)):
            self.submit(f"p{number}")
            self.end(self.start(self.bob), outcome, log=stored("log"), dependencies="x")
        self.submit("good")
        order = self.start(self.bob)
        self.gather(order)
        self.publish(order)
        self.assertEqual(["MANUALDEPWAIT", "CHROOTWAIT"], [state for _, state, _ in self.told()])

    def test_upload_that_is_refused(self) -> None:
        """A refusal is a notice of its own kind, and so is a build that left nothing to upload."""
        self.submit("one")
        order = self.start(self.bob)
        self.gather(order)
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, "older", self.now())
        self.submit("two")
        self.end(self.start(self.bob), BuildOutcome.OK, log=stored("log"))
        kinds = [(kind, state) for kind, state, _ in self.told()]
        self.assertEqual([("upload-refused", "FAILEDTOUPLOAD")] * 2, kinds)

    def test_builder_that_fails(self) -> None:
        """It is told once that a builder was taken out, not of each failure after that."""
        self.break_builder()
        self.break_builder()
        self.assertEqual([("builder-failed", None, None)], self.told())

    def test_rolled_back(self) -> None:
        """What is not committed is not told."""
        self.submit("hello")
        order = self.start(self.bob)
        self.begin_epoch()
        bob = self.builder("bob")
        stale = settling.settle_outcome(bob, order.standing, BuildOutcome.PACKAGEFAIL, self.now())
        old = type(self.epoch)(self.epoch.number - 1, self.epoch.database_id)
        self.epoch = old
        self.assertRaises(StaleState, self.settle, stale)
        self.assertFalse(self.ask(outbox.has_new))

    def test_secrets(self) -> None:
        """What looks like a secret is not told."""
        self.submit("hello")
        order = self.start(self.bob)
        self.gather(order)
        reason = "https://user:hunter2@mirror.example/ refuses"
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, reason, self.now())
        self.address(receiver())
        [delivery] = self.waiting()
        self.assertNotIn("hunter2", delivery.notices[0].reason)


class TestBundling(OutboxCase):
    def test_gathers(self) -> None:
        """What happens while a delivery gathers goes with it; it is due after that."""
        self.fail("one")
        self.address(receiver())
        self.pass_time(9)
        self.fail("two")
        self.address(receiver())
        [delivery] = self.waiting()
        self.assertEqual(2, delivery.count)
        self.assertEqual((), self.ask(outbox.due, self.now(), 10))
        self.pass_time(1)
        self.assertEqual(((delivery.id, "webhook ci"),), self.ask(outbox.due, self.now(), 10))

    def test_not_too_often(self) -> None:
        """The next delivery waits for its time, however much there is to tell meanwhile."""
        self.fail("one")
        self.address(receiver(most=100))
        self.pass_time(11)
        for number in range(5):
            self.fail(f"p{number}")
            self.address(receiver(most=100))
            self.pass_time(1)
        first, second = self.waiting()
        self.assertEqual((1, 5), (first.count, second.count))
        self.assertEqual(60, (second.due - first.due).total_seconds())

    def test_storm(self) -> None:
        """A receiver of bundles without bounds gets one delivery of a thousand failures."""
        for number in range(30):
            self.fail(f"p{number}")
        while self.address(receiver(most=1000)):
            pass
        self.assertEqual([30], [one.count for one in self.waiting()])

    def test_full(self) -> None:
        """A delivery with as many notices as its receiver takes is followed by another, as soon."""
        for number in range(4):
            self.fail(f"p{number}")
        self.address(receiver())
        first, second = self.waiting()
        self.assertEqual((3, 1), (first.count, second.count))
        self.assertEqual(first.due, second.due)

    def test_clock_set_back(self) -> None:
        """What was sent stays as it is when the clock says that it is not due yet."""
        self.fail("one")
        self.address(receiver())
        [first] = self.waiting()
        self.begin(first.id)
        self.fail("two")
        self.address(receiver())
        self.assertEqual([1, 1], [one.count for one in self.waiting()])

    def test_a_tried_delivery_stays_as_it_is(self) -> None:
        """What was sent once is sent again as it was: later news goes elsewhere."""
        self.fail("one")
        self.address(receiver())
        [first] = self.waiting()
        self.pass_time(10)
        self.begin(first.id, self.later(100))
        self.fail("two")
        self.address(receiver())
        self.assertEqual([1, 1], [one.count for one in self.waiting()])

    def test_one_at_a_time_each(self) -> None:
        """Of each receiver the oldest that is due is named, so that a slow one delays no other."""
        self.fail("one")
        self.address(receiver("webhook a"), receiver("webhook b"))
        self.pass_time(70)
        self.fail("two")
        self.address(receiver("webhook a"), receiver("webhook b"))
        self.pass_time(70)
        names = [name for _, name in self.ask(outbox.due, self.now(), 10)]
        self.assertEqual(["webhook a", "webhook b"], names)

    def test_nobody(self) -> None:
        """Without receivers a notice is done with; who is added later is not told old news."""
        self.fail()
        self.assertEqual(1, self.address())
        self.assertEqual(0, self.address(receiver()))

    def test_many(self) -> None:
        """With many receivers one act takes few notices: others want to write, too."""
        for name in ("one", "two", "three"):
            self.fail(name)
        every = [receiver(f"webhook {number}") for number in range(99)]
        self.assertEqual([2, 1, 0], [self.address(*every) for _ in range(3)])


class TestWho(OutboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_archive("secret", private=True)
        self.requesters = receiver("mail", kinds=frozenset({NewsKind.BUILD_FAILED}), private=True)

    def names(self) -> list[str]:
        """The receivers of what waits."""
        return [one.receiver for one in self.waiting()]

    def test_private_archives(self) -> None:
        """What is built in a private archive is told only to those who may know of it."""
        self.fail(archive="secret")
        self.address(receiver("webhook all"), receiver("webhook trusted", private=True))
        self.assertEqual(["webhook trusted"], self.names())

    def test_requester(self) -> None:
        """Whoever submitted a build is told of its end at their own address."""
        self.act(people.add_person, "alice", "", False, "root", self.now())
        self.fail("one")
        self.address(requesters=self.requesters)
        self.assertEqual([], self.names())
        mail = "alice@farm.example"
        self.act(mailaddresses.set_mail_address, "alice", mail, "root", self.now())
        self.fail("two")
        self.address(requesters=self.requesters)
        self.assertEqual(["mail alice@farm.example"], self.names())

    def test_requester_who_may_not_know_any_more(self) -> None:
        """Of a private archive they are told only while they have rights in it, and are active."""
        self.act(people.add_person, "alice", "", False, "root", self.now())
        self.act(mailaddresses.set_mail_address, "alice", "a@b", "root", self.now())
        self.fail("one", archive="secret")
        self.address(requesters=self.requesters)
        self.assertEqual([], self.names())
        upload = ArchiveRight.UPLOAD
        self.act(people.add_person, "team", "", True, "root", self.now())
        self.act(people.join, "alice", "team", "root", self.now())
        self.act(people.grant, "secret", "team", upload, "root", self.now())
        self.fail("two", archive="secret")
        self.address(requesters=self.requesters)
        self.assertEqual(["mail a@b"], self.names())
        self.act(people.set_active, "alice", False, "root", self.now())
        self.fail("three", archive="secret")
        self.address(requesters=self.requesters)
        self.assertEqual([1], [one.count for one in self.waiting()])

    def test_operator_who_is_the_requester(self) -> None:
        """One address gets one delivery, whatever it is told things for."""
        self.act(people.add_person, "alice", "", False, "root", self.now())
        self.act(mailaddresses.set_mail_address, "alice", "a@b", "root", self.now())
        self.fail("one")
        self.address(receiver("mail a@b"), requesters=self.requesters)
        self.assertEqual(["mail a@b"], self.names())

    def test_private_later(self) -> None:
        """An archive that has become private meanwhile is private."""
        self.fail("one")
        self.act(archives.change_archive, "main", {"private": True}, "root", self.now())
        self.address(receiver())
        self.assertEqual([], self.names())

    def test_private_before_it_is_sent(self) -> None:
        """What waits to be sent is told no more to whom it would not be addressed any more."""
        self.act(people.add_person, "alice", "", False, "root", self.now())
        self.act(mailaddresses.set_mail_address, "alice", "a@b", "root", self.now())
        self.act(people.grant, "main", "alice", ArchiveRight.READ, "root", self.now())
        self.add_archive("other")
        self.fail("one")
        self.fail("two", archive="other")
        self.address(receiver(), requesters=self.requesters)
        self.act(archives.change_archive, "main", {"private": True}, "root", self.now())
        webhook, mail = (self.begin(one.id) for one in self.waiting())
        self.assertEqual((1, ["two"]), (webhook.count, self.sources(webhook)))
        self.assertEqual((2, ["one", "two"]), (mail.count, self.sources(mail)))
        self.act(people.withdraw, "main", "alice", ArchiveRight.READ, "root", self.now())
        self.assertEqual(["two"], self.sources(self.begin(mail.id)))

    @staticmethod
    def sources(delivery: Delivery) -> list[str]:
        """The packages that a delivery tells of."""
        return [one.build.source for one in delivery.notices if one.build is not None]


class TestEnds(OutboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.fail()
        self.address(receiver())
        self.pass_time(10)
        [self.delivery] = self.waiting()

    def test_begun(self) -> None:
        """A try is counted before it is made: killed in it, the manager makes another later."""
        begun = self.begin(self.delivery.id, self.later(5))
        self.assertEqual((1, self.delivery.key), (begun.tries, begun.key))
        self.assertEqual((), self.ask(outbox.due, self.now(), 10))
        self.assertEqual(self.later(5), self.ask(outbox.next_due, self.now()))
        self.pass_time(5)
        self.assertEqual(1, len(self.ask(outbox.due, self.now(), 10)))

    def test_delivered(self) -> None:
        """It is not due any more, and begun no more."""
        self.act(outbox.end, self.delivery.id, DeliveryState.DELIVERED, None, self.now())
        self.pass_time(5)
        self.assertEqual((), self.ask(outbox.due, self.now(), 10))
        self.assertRaises(StaleState, self.begin, self.delivery.id)
        [ended] = self.ask(outbox.deliveries, True, 10)
        self.assertEqual(DeliveryState.DELIVERED, ended.state)

    def test_postponed(self) -> None:
        """What went wrong is kept beside when it is tried again."""
        self.act(outbox.postpone, self.delivery.id, "it answers 503", self.later(60))
        [waiting] = self.waiting()
        self.assertEqual(("it answers 503", self.later(60)), (waiting.last_error, waiting.due))

    def test_given_up(self) -> None:
        """Giving up is recorded with the reason, in the story of the farm as well."""
        self.act(outbox.end, self.delivery.id, DeliveryState.GIVEN_UP, "it is gone", self.now())
        [ended] = self.ask(outbox.deliveries, True, 10)
        self.assertEqual((DeliveryState.GIVEN_UP, "it is gone"), (ended.state, ended.last_error))
        told = [row[0] for row in self.rows("SELECT reason FROM event")]
        self.assertIn("news for webhook ci were given up (delivery 1): it is gone", told)

    def test_forgotten(self) -> None:
        """What ended long ago goes with its notices; what waits stays, however old."""
        self.fail("two")
        self.address(receiver("webhook other"))
        self.act(outbox.end, self.delivery.id, DeliveryState.DELIVERED, None, self.now())
        self.pass_time(100)
        self.assertEqual(1, self.act(outbox.forget_news, self.now(), 10))
        self.assertEqual(0, self.act(outbox.forget_news, self.now(), 10))
        self.assertEqual(["webhook other"], [one.receiver for one in self.waiting()])
        self.assertEqual([(1,)], self.rows("SELECT COUNT(*) FROM notice"))

    def test_state_of_the_build(self) -> None:
        """A notice keeps what the build became, whatever becomes of it later."""
        self.assertEqual(BuildState.FAILEDTOBUILD, self.delivery.notices[0].state)
