"""Claims: who gets which build, and what is written when one does."""

from typing import Any

from buildfarm.storage import attempts, orders, queue, roster
from buildfarm.storage.attempts import Claim
from buildfarm.storage.orders import open_orders
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.states import (
    AttemptState,
    BuildState,
    CleanStatus,
    QueueState,
    ResetProtocol,
)
from tests.unit.storage.cases import StorageTestCase


class TestClaim(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def ask_for_work(self, *requests: ClaimRequest) -> tuple[Claim, ...]:
        """Claim for these builders together."""
        return self.act(attempts.claim, self.epoch, requests, self.now())

    def test_what_is_written(self) -> None:
        """A claim makes a new attempt: the build runs, its builder is dirty, the entry runs."""
        build_id = self.submit()
        self.pass_time(5)
        [claim] = self.ask_for_work(ClaimRequest(self.bob.id))
        order = claim.order
        assert order is not None
        attempt = order.attempt
        cookie = f"PACKAGEBUILD-{build_id}-1-{self.epoch.database_id}"
        self.assertEqual(
            (build_id, 1, "bob", cookie, cookie, AttemptState.CLAIMED, self.epoch.number),
            (
                attempt.build_id,
                attempt.number,
                attempt.builder_name,
                attempt.cookie,
                attempt.spool,
                attempt.state,
                attempt.epoch,
            ),
        )
        self.assertEqual(self.now(), attempt.claimed)
        build = self.build(build_id)
        self.assertEqual(
            (BuildState.BUILDING, self.now(), 1),
            (build.state, build.started, build.attempt_count),
        )
        entry = self.ask(queue.queue_entry, build_id)
        assert entry is not None
        self.assertIs(QueueState.RUNNING, entry.state)
        self.assertEqual(claim.builder, self.builder("bob"))
        self.assertIs(CleanStatus.DIRTY, claim.builder.clean_status)
        self.assertEqual({self.bob.id: order}, self.ask(orders.open_orders))

    def test_nothing_waits(self) -> None:
        """Without work the builder stays as it is."""
        self.assertEqual((Claim(self.bob, None),), self.ask_for_work(ClaimRequest(self.bob.id)))
        self.assertEqual(self.bob, self.builder("bob"))

    def test_the_best_that_fits(self) -> None:
        """The best score among what the builder fits, though better ones wait for others."""
        self.add_archive("virtual", virtualized=True)
        self.submit("a", architectures=("arm64",), score=99)
        self.submit("b", archive="virtual", score=99)
        self.submit("c", score=5)
        best = self.submit("d", score=7)
        self.submit("e", score=7)
        [order] = self.claim(self.bob.id)
        assert order is not None
        self.assertEqual(best, order.attempt.build_id)

    def test_of_several_kinds(self) -> None:
        """A builder of two architectures takes the best of both."""
        joe = self.add_builder("joe", processors=("amd64", "arm64"))
        self.submit("a", score=5)
        best = self.submit("b", architectures=("arm64",), score=6)
        [order] = self.claim(joe.id)
        assert order is not None
        self.assertEqual(best, order.attempt.build_id)

    def test_together(self) -> None:
        """Builders that ask together get different builds, answered in the order of asking."""
        eve = self.add_builder("eve")
        arm = self.add_builder("arm", processors=("arm64",))
        ids = [self.submit(name, score=score) for name, score in (("a", 1), ("b", 2), ("c", 3))]
        asking = [eve, arm, self.bob]
        claims = self.ask_for_work(*(ClaimRequest(builder.id) for builder in asking))
        self.assertEqual(asking_names(asking), [claim.builder.name for claim in claims])
        got = [claim.order and claim.order.attempt.build_id for claim in claims]
        self.assertEqual([ids[2], None, ids[1]], got)

    def test_more_builders_than_builds(self) -> None:
        """Each build is given once, however many ask."""
        others = [self.add_builder(f"b{number}") for number in range(5)]
        ids = {self.submit("a"), self.submit("b")}
        found = self.claim(self.bob.id, *(other.id for other in others))
        self.assertEqual(ids, {order.attempt.build_id for order in found if order})
        self.assertEqual(4, found.count(None))

    def test_many_together(self) -> None:
        """However many ask in one act, each gets an order of its own, in the order of asking."""
        builders = [self.add_builder(f"b{number}") for number in range(11)]
        ids = [self.submit(f"p{number}", score=20 - number) for number in range(11)]
        claims = self.ask_for_work(*(ClaimRequest(one.id) for one in builders))
        self.assertEqual([one.name for one in builders], [claim.builder.name for claim in claims])
        orders = [claim.order for claim in claims]
        self.assertEqual(ids, [order and order.attempt.build_id for order in orders])
        self.assertEqual(
            {one.id: order for one, order in zip(builders, orders, strict=True)},
            self.ask(open_orders),
        )

    def test_asking_twice(self) -> None:
        """A builder that asks twice in one act gets one build."""
        self.submit("a")
        self.submit("b")
        first, second = self.claim(self.bob.id, self.bob.id)
        self.assertIsNotNone(first)
        self.assertIsNone(second)

    def test_it_becomes_clean(self) -> None:
        """The end of a cleaning is recorded in the same act, with work or without."""
        eve = self.add_builder("eve", clean=False)
        request = ClaimRequest(eve.id, becomes_clean=True, reset_output="done\n")
        [claim] = self.ask_for_work(request)
        self.assertIsNone(claim.order)
        self.assertEqual(
            (CleanStatus.CLEAN, "done\n"), (claim.builder.clean_status, claim.builder.reset_output)
        )
        self.assertEqual(claim.builder, self.builder("eve"))
        self.lose(self.order_for(eve))
        [claim] = self.ask_for_work(ClaimRequest(eve.id, becomes_clean=True))
        self.assertIsNotNone(claim.order)
        self.assertIs(CleanStatus.DIRTY, self.builder("eve").clean_status)

    def order_for(self, builder: BuilderSnapshot) -> BuildOrder:
        """Have the builder take a new build."""
        self.submit()
        return self.start(builder)

    def test_after_a_reset(self) -> None:
        """A builder that was being reset becomes clean as well."""
        vm = self.add_builder(
            "vm",
            clean=False,
            virtualized=True,
            vm_host="host",
            vm_reset_protocol=ResetProtocol.SYNCHRONOUS,
        )
        now = self.now()
        statuses = CleanStatus.DIRTY, CleanStatus.CLEANING
        self.act(roster.set_clean_status, self.epoch, vm.id, *statuses, "reset", now)
        [claim] = self.ask_for_work(ClaimRequest(vm.id, becomes_clean=True))
        self.assertIs(CleanStatus.CLEAN, claim.builder.clean_status)

    def test_who_gets_nothing(self) -> None:
        """A builder gets no build while it is dirty, disabled, manual, removed or busy."""
        self.submit()
        dirty = self.add_builder("dirty", clean=False)
        others = {
            "disabled": {"builderok": False},
            "manual": {"manual": True},
        }
        for name, changes in others.items():
            self.add_builder(name)
            self.act(roster.change_builder, name, changes, "root", self.now())
        self.add_builder("removed")
        self.act(roster.remove_builder, "removed", False, "root", self.now())
        everyone: Any = {one.name: one.id for one in self.ask(roster.builders, True)}
        del everyone["bob"]
        self.assertEqual([None] * 4, self.claim(*everyone.values()))
        self.assertEqual([None], self.claim(dirty.id))

    def test_busy(self) -> None:
        """A builder that holds an attempt neither becomes clean nor gets another."""
        self.submit("a")
        self.submit("b")
        self.start(self.bob)
        [claim] = self.ask_for_work(ClaimRequest(self.bob.id, becomes_clean=True))
        self.assertIsNone(claim.order)
        self.assertIs(CleanStatus.DIRTY, claim.builder.clean_status)

    def test_busy_and_called_clean(self) -> None:
        """A builder that is CLEAN by mistake while it holds an attempt spoils nobody's claim."""
        eve = self.add_builder("eve")
        for name in ("a", "b", "c"):
            self.submit(name)
        self.start(self.bob)
        statuses = CleanStatus.DIRTY, CleanStatus.CLEAN
        self.act(roster.set_clean_status, self.epoch, self.bob.id, *statuses, "why", self.now())
        mine, hers = self.claim(self.bob.id, eve.id)
        self.assertIsNone(mine)
        self.assertIsNotNone(hers)

    def test_while_an_upload_waits(self) -> None:
        """A builder whose last results wait for their upload is free for the next build."""
        self.submit("a")
        self.gather(self.start(self.bob))
        self.submit("b")
        self.start(self.bob)

    def test_numbers_go_on(self) -> None:
        """Every attempt of a build has a number and a cookie of its own."""
        build_id = self.submit()
        cookies = []
        for _ in range(3):
            order = self.start(self.bob)
            cookies.append(order.attempt.cookie)
            self.lose(order)
            self.pass_time(3600)
        self.assertEqual(3, len(set(cookies)))
        numbers = [attempt.number for attempt in self.ask(attempts.attempts_of, build_id)]
        self.assertEqual([1, 2, 3], numbers)

    def test_an_unknown_builder(self) -> None:
        """A builder that never was fails the claim."""
        self.assertRaises(StaleState, self.claim, 99)


def asking_names(builders: list[BuilderSnapshot]) -> list[str]:
    """Their names."""
    return [builder.name for builder in builders]
