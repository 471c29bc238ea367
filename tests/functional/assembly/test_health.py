"""`/healthz` of a manager that is well, and of one in each kind of trouble: real troubles."""

import sqlite3
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.farmtesting.smalldisk import SmallDisk
from buildfarm.flow.fairqueue import FairQueue
from buildfarm.monitoring.healthz import WELL
from buildfarm.scanning import databasewatch
from buildfarm.verdicts import health as judging
from tests.functional.filestore.listeners import fetch


class HealthTests(FarmTestCase):
    farm: Farm

    async def setUp(self) -> None:
        super().setUp()
        self.patch(databasewatch, "INTERVAL", 0.1)
        self.farm = await Farm.make(self)

    async def told(self) -> tuple[int, str]:
        """The status and text of `/healthz`."""
        reply = await deferToThread(fetch, self.farm.web_port, "/healthz", "GET", {})
        return reply.status, reply.body.decode()

    async def wait_until_told(self, words: str, status: int = 503) -> None:
        """Return when the manager says these words."""
        told = 0, ""

        async def says() -> bool:
            nonlocal told
            told = await self.told()
            return told[0] == status and words in told[1]

        await self.wait_until(says, 15.0, lambda: f"{words!r} in {told}")
        self.assertNotIn(str(self.farm.settings.manager.state_dir), told[1])

    async def test_well(self) -> None:
        """A farm whose builder is lost is well: that is not the manager's trouble."""
        await self.farm.start()
        daemon = self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(daemon)
        daemon.hang()
        self.assertEqual((200, WELL), await self.told())

    async def test_locked_database(self) -> None:
        """Another process keeps the database to itself; when it ends all is well again."""
        self.patch(judging, "SLOW_COMMIT", 0.2)
        await self.farm.start()
        path = self.farm.settings.manager.state_dir / "buildd-manager.db"
        other = sqlite3.connect(path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        Deferred.fromCoroutine(self.farm.submit())
        await self.wait_until_told("The database has taken nothing for")
        other.execute("ROLLBACK")
        await self.wait_until_told(WELL, 200)

    async def test_database_away(self) -> None:
        """Somebody moves the file of the database; when it is back all is well again."""
        await self.farm.start()
        await self.wait_until_told(WELL, 200)
        path = self.farm.settings.manager.state_dir / "buildd-manager.db"
        moved = path.rename(path.with_suffix(".moved"))
        await self.wait_until_told("The file of the database is not where it was.")
        moved.rename(path)
        await self.wait_until_told(WELL, 200)

    async def test_stuck_scan_loop(self) -> None:
        """A scan loop that gets no turn any more is told of."""
        self.patch(judging, "LATE_LOOK", 0.3)
        await self.farm.start()
        self.patch(FairQueue, "turn", lambda queue, key: Deferred())
        await self.farm.add_builder(self.farm.daemon(built_in(0.05)))
        await self.wait_until_told("The scan loops of 1 builders are stuck, one for")

    async def test_full_disk(self) -> None:
        """A disk with too little room is told of by what is on it; with room again all is well."""
        least = 1 << 20
        settings = self.farm.settings
        self.farm.settings = replace(
            settings, manager=replace(settings.manager, min_free_bytes=least)
        )
        settings.spool_dir.mkdir(exist_ok=True)
        disk = SmallDisk(settings.spool_dir, 4 << 20)
        self.addCleanup(disk.unmount)
        await self.farm.start()
        await self.wait_until_told(WELL, 200)
        disk.fill(left=least // 2)
        await self.wait_until_told("The disk of the spool has less room than")
        disk.free()
        await self.wait_until_told(WELL, 200)
