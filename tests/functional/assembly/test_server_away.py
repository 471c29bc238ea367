"""A whole farm whose PostgreSQL server goes away while builds run, and comes back."""

from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.farmtesting.postgres import Cluster
from buildfarm.vocab.states import BuildState


class TestServerAway(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.cluster = Cluster.of(self, durable=True)
        name = self.cluster.make_database(self.cluster.farm())
        self.farm = await Farm.make(self, database=self.cluster.uri(name))
        self.daemons = [self.farm.daemon(built_in(0.6)) for _ in range(3)]
        for number, daemon in enumerate(self.daemons):
            await self.farm.add_builder(daemon, f"bob{number}")
        self.build_ids = [await self.farm.submit(f"p{number}") for number in range(9)]
        await self.farm.start()
        await self.farm.wait_for_build(self.build_ids[0], BuildState.BUILDING)

    async def leave(self, mode: str, seconds: float) -> None:
        """Stop the server, crashing it or not, and start it again some time later."""
        await deferToThread(self.cluster.stop, mode)
        back = self.reactor.seconds() + seconds
        await self.wait_until(lambda: self.reactor.seconds() > back, deadline=seconds + 5)
        await deferToThread(self.cluster.start)

    async def assert_all_is_well(self) -> None:
        """Everything is built and published, each build by one attempt; nobody is blamed."""
        await self.farm.wait_until_built(self.build_ids, deadline=40.0)
        cookies = []
        for build_id in self.build_ids:
            [attempt] = await self.farm.attempts(build_id)
            cookies.append(attempt.cookie)
        self.assertEqual(sorted(cookies), self.farm.published_cookies())
        begun = [order.build_id for daemon in self.daemons for order in daemon.orders]
        self.assertEqual(sorted(cookies), sorted(begun))
        for number in range(3):
            builder = await self.farm.builder(f"bob{number}")
            self.assertEqual((True, 0), (builder.builderok, builder.failure_count))

    async def test_in_order(self) -> None:
        """A server that is restarted costs no build and no builder anything."""
        await self.leave("fast", 0.0)
        await self.assert_all_is_well()

    async def test_crashed(self) -> None:
        """Nor does one that crashes and is away for as long as several builds take."""
        await self.leave("immediate", 3.0)
        await self.assert_all_is_well()
