"""A farm that loses its manager again and again, and what must hold for it afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import QUICK
from buildfarm.farmtesting.promises import assert_indexed_once, assert_sound, broken
from buildfarm.farmtesting.restartfarm import ARCHIVES, RestartFarm
from buildfarm.storage import builds, events, roster
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot
from buildfarm.vocab.settings import ResetSettings
from buildfarm.vocab.states import AttemptOutcome, AttemptState, UploaderKind

#: Seconds in which a manager that runs would have begun whatever it does not wait with.
_TIME_FOR_MISTAKES = 1.0


class Reader:
    """Takes uploads out of `incoming` as soon as they appear, as a real archive's does."""

    def __init__(self, reactor: Any, archive: Path) -> None:
        self.taken = archive / "taken"
        self.taken.mkdir()
        self.twice: list[str] = []
        self._incoming = archive / "incoming"
        self._loop = LoopingCall(self._take)
        self._loop.clock = reactor

    def start(self) -> None:
        """Read until `stop`."""
        self._loop.start(0.01)

    def stop(self) -> None:
        """Read no more."""
        self._loop.stop()

    def _take(self) -> None:
        for upload in self._incoming.iterdir():
            if (self.taken / upload.name).exists():
                self.twice.append(upload.name)
            else:
                upload.rename(self.taken / upload.name)


class RestartTestCase(FarmTestCase):
    """A farm of real and virtual builders; the archive `main` has a reader, `virtual` has none."""

    timeout = 150.0

    async def setUp(self) -> None:
        super().setUp()
        scanning = replace(QUICK, cpu_share=0.9)
        farm = await RestartFarm.make(
            self, scanning, ResetSettings(deadline=5.0), self.make_database()
        )
        assert isinstance(farm, RestartFarm)
        self.farm = farm
        self.reader = Reader(self.reactor, farm.root / "main")
        self.reader.start()
        self.addCleanup(self.reader.stop)

    def make_database(self) -> str:
        """The URI of the farm's database; "" is SQLite. `test_on_postgres` has the other kind."""
        return ""

    async def submit(self, per_archive: int, *uploaders: UploaderKind, prefix: str = "p") -> None:
        """Queue builds for each archive of these uploaders; of both unless named."""
        for uploader in uploaders or ARCHIVES:
            for archive in ARCHIVES[uploader]:
                for number in range(per_archive):
                    await self.farm.submit_into(archive, f"{prefix}{number}")

    async def start_next_manager(self) -> None:
        """Start a manager and give it time for the mistake of not waiting for what is under way."""
        self.farm.start_manager()
        await self.farm.wait_until_ready()
        enough = self.reactor.seconds() + _TIME_FOR_MISTAKES
        await self.wait_until(lambda: self.reactor.seconds() > enough)

    async def assert_promises(self) -> None:
        """P3, P4 and P5 of the design hold, and nobody is blamed for what the manager did."""
        for daemon in self.farm.daemons.values():
            self.assertEqual([], daemon.offences)
        self.assertEqual([], self.farm.resets.offences)
        found = await self.farm.read(builds.builds)
        tried = {build.id: await self.farm.attempts(build.id) for build in found}
        self.assertEqual([], broken(await self.story(found)))
        published = {
            build.id: self.assert_published_once(build, tried[build.id]) for build in found
        }
        begun = [order.build_id for daemon in self.farm.daemons.values() for order in daemon.orders]
        self.assertEqual(sorted(published.values()), sorted(begun), "a build was interrupted")
        self.assertEqual([], list(self.farm.settings.spool_dir.iterdir()))
        for builder in await self.farm.read(roster.builders):
            self.assertEqual((True, 0), (builder.builderok, builder.failure_count), builder.name)
        for names in ARCHIVES.values():
            for name in names:
                self.assert_archive(
                    name, {published[build.id] for build in found if build.archive == name}
                )

    async def story(self, found: tuple[BuildSnapshot, ...]) -> Any:
        """The events of all builds, oldest first."""
        told = [
            event
            for build in found
            for event in await self.farm.read(events.events_of_build, build.id, 1000)
        ]
        return sorted(told, key=lambda event: event.id)

    def assert_published_once(
        self, build: BuildSnapshot, tried: tuple[AttemptSnapshot, ...]
    ) -> str:
        """Every attempt is closed, exactly one was published, and its cookie is returned."""
        self.assertEqual({AttemptState.CLOSED}, {one.state for one in tried}, build.title)
        outcomes = [attempt.outcome for attempt in tried]
        self.assertEqual(1, outcomes.count(AttemptOutcome.PUBLISHED), f"{build.title}: {outcomes}")
        return tried[outcomes.index(AttemptOutcome.PUBLISHED)].cookie

    def assert_archive(self, name: str, cookies: set[str]) -> None:
        """An archive has exactly what the attempts of these cookies have made."""
        if name in ARCHIVES[UploaderKind.DIRECTORY]:
            self.assert_directory(name, cookies)
        else:
            self.assert_reprepro(name, cookies)

    def assert_directory(self, name: str, cookies: set[str]) -> None:
        """Each upload is there once, with the files that the builder made."""
        root = self.farm.root / name
        self.assertEqual([], self.reader.twice)
        self.assertEqual([], [path.name for path in (root / "outgoing").iterdir()])
        uploads = [*(root / "incoming").iterdir()]
        if name == "main":
            uploads += self.reader.taken.iterdir()
        self.assertEqual(sorted(cookies), sorted(upload.name for upload in uploads))
        for upload in uploads:
            published = {path.name: path.read_bytes() for path in upload.iterdir()}
            self.assertEqual(self.farm.made[upload.name], published)

    def assert_reprepro(self, name: str, cookies: set[str]) -> None:
        """Each package is there once, as the builder made it, and reprepro finds nothing wrong."""
        root = self.farm.root / name
        packages = [
            content
            for cookie in cookies
            for file, content in self.farm.made[cookie].items()
            if file.endswith(".deb")
        ]
        assert_sound(self, root)
        if packages:
            assert_indexed_once(self, root, packages)
