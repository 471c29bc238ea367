"""Two managers, each with a state directory of its own, and one PostgreSQL database."""

from dataclasses import replace
from typing import Any

from testtools import ExpectedException

from buildfarm.assembly import ownership
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm
from buildfarm.farmtesting.postgres import Cluster, fresh_database, shared_cluster
from buildfarm.storage import postgres
from buildfarm.storage.database import Database
from buildfarm.storage.errors import DatabaseTaken
from buildfarm.vocab.settings import FilesSettings, Settings


class TestTwoManagers(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.patch(ownership, "INTERVAL", 0.1)
        self.patch(postgres, "LOCK_TIMEOUT", 0.3)
        self.uri = fresh_database(self)
        self.farm = await Farm.make(self, database=self.uri)
        await self.farm.start()

    async def test_the_second(self) -> None:
        """The second manager is refused, wherever its state is; the first goes on."""
        other = Farm(self, self.farm.root, self.elsewhere())
        with ExpectedException(DatabaseTaken, ".*Another manager works on this database.*"):
            await other.start()
        await other.stop()
        build_id = await self.farm.submit()
        await self.farm.build(build_id)

    async def test_the_connection_lost(self) -> None:
        """A manager whose connection is lost takes the lock again, and goes on."""
        self.end_sessions()
        build_id = await self.farm.submit()
        await self.farm.build(build_id)
        with ExpectedException(DatabaseTaken):
            Database(self.uri, exclusive=True).writer()

    async def test_the_farm_lost(self) -> None:
        """A manager whose lock another has taken meanwhile learns it without having to write."""
        assert self.farm.service is not None
        lost = self.farm.service.when_lost()
        self.assertNoResult(lost)
        thief = await self.steal()
        self.addCleanup(thief.close)
        self.assertIsInstance(await lost, DatabaseTaken)

    async def steal(self) -> Any:
        """The store of another manager that got the lock in the moment in which it was free."""

        def try_it() -> Any:
            self.end_sessions()
            try:
                return Database(self.uri, exclusive=True).writer()
            except DatabaseTaken:
                return None

        return await self.wait_until(try_it)

    def elsewhere(self) -> Settings:
        """The same settings with another state directory and other listeners."""
        settings = self.farm.settings
        return replace(
            settings,
            manager=replace(settings.manager, state_dir=self.make_directory()),
            files=FilesSettings(listen="tcp:0:interface=127.0.0.1"),
        )

    def end_sessions(self) -> None:
        """Have the server end every session of the database."""
        shared_cluster().execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{Cluster.name_of(self.uri)}'"
        )
