"""The PostgreSQL server is away or restarted, and a table is locked: all goes on afterwards."""

from contextlib import closing

from buildfarm.farmtesting.postgres import Cluster
from tests.functional.faults.cases import FaultTestCase

#: Seconds for which the server is away.
AWAY = 20.0


class PostgresTests(FaultTestCase):
    def make_database(self) -> str:
        """A farm in a cluster of this test's own, whose server it stops."""
        self.cluster = Cluster.of(self)
        self.name = self.cluster.make_database(self.cluster.farm())
        return self.cluster.uri(self.name)

    async def begin(self) -> None:
        """A manager with builds under way and some that wait."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(4)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.farm.made) >= 5, what=self.farm.story)

    async def test_the_server_is_away(self) -> None:
        """Stopped as if it had crashed, for 20 s; the manager finds it again by itself."""
        await self.begin()
        self.cluster.stop("immediate")
        begun = len(self.farm.made)
        await self.pass_time(AWAY)
        self.assertLessEqual(len(self.farm.made), begun + 4, "dispatch went on")
        self.assertIn("dispatch pauses: the database cannot be used", self.farm.log.read_text())
        self.cluster.start()
        await self.finish()

    async def test_the_server_is_restarted(self) -> None:
        """Again and again, in order and not, under a farm at work."""
        await self.begin()
        for mode in ("fast", "immediate", "fast"):
            self.cluster.stop(mode)
            self.cluster.start()
            await self.pass_time(0.5)
        await self.finish()

    async def test_a_table_is_locked(self) -> None:
        """By an operator's session, for a while; acts wait, and `why` can be asked."""
        await self.begin()
        with closing(self.cluster.connect(self.name)) as other:
            other.autocommit = False
            with other.cursor() as cursor:
                cursor.execute("LOCK TABLE buildfarm.attempt IN EXCLUSIVE MODE")
            await self.wait_until_why_says("the database has taken nothing for")
            other.rollback()
        await self.finish()
