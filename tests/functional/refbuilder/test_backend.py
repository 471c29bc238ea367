"""The dpkg backend where no real package is needed to see what it does."""

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.backend import DpkgBackend
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.job import Job
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.vocab.states import BuildOutcome
from tests.contract.sources import contract_sources


class TestDpkgBackend(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.place = Workplace(self.make_directory())
        self.cache = FileCache(self.place)
        self.cache.open()
        self.cache.start_log()
        self.workers = Workers(self.reactor, size=2, bound=10, name="refbuilder")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(10)))
        self.backend = DpkgBackend(self.reactor, self.place, "bob", self.workers)
        await self.backend.open()

    def job(self, files: dict[str, bytes], chroot: bytes | None = None) -> Job:
        """A job of these sources."""
        inputs = self.make_directory()
        for name, content in files.items():
            (inputs / name).write_bytes(content)
        tarball = inputs / "chroot"
        tarball.write_bytes(contract_sources().chroot if chroot is None else chroot)
        paths = {name: inputs / name for name in files}
        return Job("PACKAGEBUILD-1", tarball, paths, "bookworm", "amd64", arch_indep=True)

    @property
    def log(self) -> str:
        """What the build has written so far."""
        return self.place.log.read_text()

    async def test_nothing_stays(self) -> None:
        """After a build its directory is gone, its results are named by their digests."""
        ending = await self.backend.build(self.job(dict(contract_sources().good)))
        self.assertIs(BuildOutcome.OK, ending.outcome, self.log)
        self.assertFalse(self.place.build.exists())
        results = {path.name for path in self.place.results.iterdir()}
        self.assertEqual(set(ending.filemap.values()), results)

    async def test_broken_source(self) -> None:
        """A source package that cannot be unpacked is the package's failure, in words."""
        ending = await self.backend.build(self.job({"hello_1.dsc": b"no .dsc at all"}))
        self.assertIs(BuildOutcome.PACKAGEFAIL, ending.outcome)
        self.assertIn("could not be unpacked", self.log)

    async def test_wrong_chroot(self) -> None:
        """A file that is no chroot is said to be none."""
        job = self.job(dict(contract_sources().good), chroot=b"nothing")
        self.assertIs(BuildOutcome.CHROOTFAIL, (await self.backend.build(job)).outcome)
        self.assertIn("not a tarball", self.log)

    async def test_builder_fails(self) -> None:
        """Where the building process itself breaks, it is the builder's failure, and logged."""
        self.place.results.rmdir()
        ending = await self.backend.build(self.job(dict(contract_sources().good)))
        self.assertIs(BuildOutcome.BUILDERFAIL, ending.outcome)
        self.assertIn("The builder has failed", self.log)

    async def test_abort_at_once(self) -> None:
        """An abort that comes before anything runs is an abort all the same."""
        building = ensureDeferred(self.backend.build(self.job(dict(contract_sources().endless))))
        await self.backend.abort()
        self.assertIs(BuildOutcome.ABORTED, (await building).outcome)
