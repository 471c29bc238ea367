"""A hostile builder on a farm of its own, beside a healthy one, until it is judged."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from buildfarm.assembly.walltime import utc_now
from buildfarm.builders import downloads
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Order
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.farm import QUICK, Farm
from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged, built, true_results
from buildfarm.farmtesting.hostile.builder import HostileBuilder
from buildfarm.farmtesting.procfs import (
    descriptor_targets,
    forget_peak,
    peak_memory,
    resident_memory,
)
from buildfarm.storage import attempts, builds, roster
from buildfarm.verdicts import polling
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.settings import GatherSettings
from buildfarm.vocab.states import BuildState

MIB = 1024 * 1024

#: What the farm, its test's builders included, may need in memory beyond what it had.
MEMORY = 64 * MIB

HOSTILE = "mallory"
HEALTHY = "alice"

#: Builds that wait at every moment until the builder is judged; and what ends them.
_WAITING = 2
_ENDED = frozenset({BuildState.FULLYBUILT, BuildState.FAILEDTOBUILD, BuildState.FAILEDTOUPLOAD})
_ENDED_BADLY = _ENDED - {BuildState.FULLYBUILT}

#: Quick, and still patient enough for a machine with other things to do.
_SCANNING = replace(
    QUICK,
    call_timeout=0.5,
    build_timeout=0.5,
    connect_timeout=2.0,
    idle_interval=0.05,
    failure_span=0.05,
    abort_deadline=1.5,
    build_deadline=1.5,
)

_GATHER = GatherSettings(max_file_bytes=4 * MIB, max_total_bytes=8 * MIB, max_log_bytes=4 * MIB)


class HostileTestCase(FarmTestCase):
    """A farm with a healthy builder, whose archive, memory and descriptors are measured."""

    timeout = 120.0

    async def setUp(self) -> None:
        super().setUp()
        # What takes half a minute on a farm takes a moment here.
        self.patch(downloads, "RATE_WINDOW", 0.5)
        self.patch(polling, "SHORTEST", 0.05)
        self.farm = await Farm.make(self, _SCANNING)
        self.farm.settings = replace(self.farm.settings, gather=_GATHER)
        await self.farm.start()
        self.submitted: list[int] = []
        self.daemon = FakeDaemon(self.reactor, lambda order: replace(built(order), seconds=0.1))
        await self.farm.add_builder(self.daemon, HEALTHY)
        await self.submit()
        await self.farm.wait_until_built(self.submitted)
        self.before = {path for path in self.farm.root.rglob("*") if path.is_file()}
        self.descriptors = self.count_descriptors()
        forget_peak()
        self.memory = resident_memory()

    async def submit(self) -> None:
        """Queue one more build."""
        self.submitted.append(await self.farm.submit(f"package{len(self.submitted)}"))

    async def add_hostile(self, behaviour: Behaviour, name: str = HOSTILE) -> HostileBuilder:
        """A builder of this behaviour, known to the farm."""
        builder = HostileBuilder(self.reactor, behaviour)
        url = builder.listen()
        self.addCleanup(builder.stop)
        new = NewBuilder(name=name, url=url, processors=("amd64",))
        await self.farm.write(roster.add_builder, new, "test", utc_now())
        return builder

    async def until_judged(self, hostile: Mapping[str, Behaviour]) -> None:
        """Keep builds waiting until each of these builders is judged as its behaviour should be."""
        left = dict(hostile)
        self.told: list[str] = []

        async def judged() -> bool:
            await self.keep_waiting(_WAITING + len(left))
            for name, behaviour in list(left.items()):
                if await self.is_judged(behaviour, name):
                    del left[name]
            return not left

        def what() -> str:
            return f"{[one.name for one in left.values()]} to be judged, and not {self.told}"

        await self.wait_until(judged, 60.0, what)

    async def keep_waiting(self, count: int) -> None:
        """Queue builds until so many wait, or run, that nobody lost: those have to wait."""
        found = await self.builds()
        open_builds = [one for one in found if one.state not in _ENDED and not one.lost_count]
        for _ in range(count - len(open_builds)):
            await self.submit()

    async def is_judged(self, behaviour: Behaviour, name: str) -> bool:
        builder = await self.farm.builder(name)
        if behaviour.judged is Judged.BUILDER:
            self.told = [str(builder.failnotes)]
            return not builder.builderok and behaviour.told in (builder.failnotes or "")
        self.assertTrue(builder.builderok, builder.failnotes)
        tried = [build for build in await self.builds() if await self.was_on(name, build)]
        if behaviour.judged is Judged.NOBODY:
            return any(build.state is BuildState.FULLYBUILT for build in tried)
        self.told = [f"{build.state.value}: {build.reason}" for build in tried]
        return any(
            build.state in _ENDED_BADLY and behaviour.told in (build.reason or "")
            for build in tried
        )

    async def assert_others_are_served(self, hostile: Iterable[str] = (HOSTILE,)) -> None:
        """A healthy builder builds what is queued now."""
        before = len(self.daemon.orders)
        for name in hostile:
            await self.farm.write(roster.change_builder, name, {"manual": True}, "test", utc_now())
        await self.submit()
        await self.farm.wait_until_built(self.submitted[-1:])
        self.assertGreater(len(self.daemon.orders), before)

    # What is left.

    def count_descriptors(self) -> int:
        """The descriptors of this process, but for the database's: each reader opens its own."""
        database = str(self.farm.settings.manager.state_dir / "buildd-manager.db")
        return sum(not target.startswith(database) for target in descriptor_targets())

    async def assert_archive_is_unchanged(self) -> None:
        """All that the archive got are the true results of builds that are FULLYBUILT, whole."""
        finished = {build.id: build for build in await self.builds()}
        expected = {}
        for build in finished.values():
            if build.state is BuildState.FULLYBUILT:
                last = (await self.farm.attempts(build.id))[-1]
                expected[last.cookie] = true_digests(build)
        incoming = self.farm.published
        found = {path.name: digests(path) for path in incoming.iterdir()}
        self.assertEqual(expected, found)
        self.assertEqual([], list((incoming.parent / "outgoing").iterdir()))

    def assert_nothing_outside_the_spool(self) -> None:
        """Every file below the test's directory is one that the manager itself has named."""
        state = self.farm.settings.manager.state_dir
        unknown = [
            str(path.relative_to(self.farm.root))
            for path in self.farm.root.rglob("*")
            if path.is_file()
            and path not in self.before
            and not is_ours(path.relative_to(state) if path.is_relative_to(state) else None)
            and not self.is_of_the_archive(path)
        ]
        self.assertEqual([], unknown)
        self.assertFalse(Path("/etc/hostile-builder").exists())

    def is_of_the_archive(self, path: Path) -> bool:
        """Whether the uploader has put it there: what was published, and its records of that."""
        archive = self.farm.published.parent
        return any(part in path.parents for part in (archive / "incoming", archive / "published"))

    async def assert_nothing_is_kept(self) -> None:
        """Descriptors return to what they were; memory did at no time grow beyond its bound."""
        await self.wait_until(
            lambda: self.count_descriptors() <= self.descriptors,
            what=lambda: f"{self.count_descriptors()} descriptors to become {self.descriptors}",
        )
        self.assertLess(peak_memory() - self.memory, MEMORY)

    # What the farm says.

    async def builds(self) -> tuple[BuildSnapshot, ...]:
        return await self.farm.read(builds.builds, limit=1000)

    async def was_on(self, name: str, build: BuildSnapshot) -> bool:
        tried: tuple[AttemptSnapshot, ...] = await self.farm.read(attempts.attempts_of, build.id)
        return bool(tried) and tried[-1].builder_name == name


def is_ours(path: Path | None) -> bool:
    """Whether a path below the state directory is of the manager's own naming."""
    if path is None:
        return False
    first = path.parts[0]
    if first == "spool":
        cookie, file = path.parts[1:]
        return cookie.startswith("PACKAGEBUILD-") and (file.isdigit() or file == "buildlog")
    if first == "files":
        return len(path.name) == 64 and set(path.name) <= set("0123456789abcdef")
    return first == "locks" or first.startswith(("buildd-manager.db", "manager.lock"))


def true_digests(build: BuildSnapshot) -> dict[str, str]:
    """The digests, by name, of what this build should make."""
    order = Order("", "", "", {f"{build.source}_{build.version}.dsc": ""}, {}, {})
    return {name: _sha256(content) for name, content in true_results(order).items()}


def digests(directory: Path) -> dict[str, str]:
    """The digests of the files in `directory`, by name."""
    return {path.name: _sha256(path.read_bytes()) for path in directory.iterdir()}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
