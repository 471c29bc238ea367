"""A thousand builders, of which some do every hostile thing there is: the others do not notice."""

import hashlib
import itertools
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from storm.expr import And, Select
from twisted.internet.defer import Deferred, gatherResults

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import QUICK, Farm
from buildfarm.farmtesting.hostile.crowd import HEALTHY, running
from buildfarm.farmtesting.hostile.table import SINGLE
from buildfarm.farmtesting.procfs import forget_peak, peak_memory
from buildfarm.storage import archives, builds, chroots, roster
from buildfarm.storage.tables import Attempt, Build, Builder
from buildfarm.vocab.archive import ChrootSnapshot, NewArchive
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

#: Those that behave, in so many processes; beside them one of each hostile behaviour.
BUILDERS = 950
PROCESSES = 2

#: Builds that wait for the hostile ones.
BAIT = 400

#: Their deadlines are those of a farm under attack that is to be over soon, and wide enough for a
#: busy machine.
_SCANNING = replace(QUICK, call_timeout=10.0, build_timeout=10.0, connect_timeout=10.0)

#: Bytes of memory that the attack may cost at its worst.
MEMORY = 128 * 1024 * 1024


_VERSIONS = itertools.count()


@dataclass(frozen=True, order=True)
class Try:
    """One attempt, by the id that its claim gave it; states by their words."""

    id: int
    build_id: int
    number: int
    attempt: str
    build: str
    builder: str


@dataclass(frozen=True)
class Wave:
    """What became of a wave of one build for each healthy builder.

    `shares` has how many builds each builder got, `order` the builds as they were claimed, counted
    from the first of the wave; `tried` has the numbers of their attempts.
    """

    shares: dict[str, int]
    order: list[int]
    tried: set[int]


class ThousandTests(FarmTestCase):
    timeout = 240.0

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self, _SCANNING)
        await self.furnish_for_hostile()
        await self.farm.start()
        stack = ExitStack()
        self.addCleanup(stack.close)
        share = BUILDERS // PROCESSES
        self.healthy = [
            stack.enter_context(running([HEALTHY], share, number * share))
            for number in range(PROCESSES)
        ]
        names = [one.name for one in SINGLE]
        self.hostile = stack.enter_context(running(names, len(names), BUILDERS))

    async def furnish_for_hostile(self) -> None:
        """An archive of another architecture, so that each side has builds of its own."""
        root = self.farm.root / "hostile"
        for part in ("incoming", "outgoing"):
            (root / part).mkdir(parents=True)
        archive = NewArchive(
            name="hostile",
            distribution="debian",
            suites=("bookworm",),
            architectures=("arm64",),
            nominated_architecture="arm64",
            uploader=UploaderKind.DIRECTORY,
            path=str(root),
        )
        await self.farm.write(archives.add_archive, archive, "test", utc_now())
        chroot = ChrootSnapshot(
            "debian", "bookworm", "arm64", chroots.TARBALL, 100, "d" * 40, "d" * 64
        )
        await self.farm.write(chroots.set_chroot, chroot, "test", utc_now())

    async def add(self, prefix: str, urls: list[str], processor: str) -> None:
        await gatherResults(
            [
                Deferred.fromCoroutine(
                    self.farm.write(
                        roster.add_builder,
                        NewBuilder(name=f"{prefix}-{number}", url=url, processors=(processor,)),
                        "test",
                        utc_now(),
                    )
                )
                for number, url in enumerate(urls)
            ]
        )

    async def submit(self, archive: str, processor: str, count: int) -> list[int]:
        """Queue so many builds; their ids, in order."""
        ids = await gatherResults(
            [
                Deferred.fromCoroutine(
                    self.farm.write(
                        builds.submit, submission(archive, processor, number), "test", utc_now()
                    )
                )
                for number in range(count)
            ]
        )
        return [build_id for (build_id,) in ids]

    async def wave(self) -> Wave:
        """One build for each healthy builder, all at once; none ends before all have begun."""
        ids = await self.submit("main", "amd64", BUILDERS)
        tries: list[Try] = []

        async def all_in(*states: str) -> bool:
            tries[:] = await self.farm.read(tries_of, ids[0], ids[-1])
            return sum(one.attempt in states or one.build in states for one in tries) == BUILDERS

        def what() -> str:
            return f"all {BUILDERS} builds to go on: {Counter(one.attempt for one in tries)}"

        await self.wait_until(lambda: all_in("CONFIRMED"), 60.0, what)
        self.assertEqual(BUILDERS, sum(crowd.finish() for crowd in self.healthy))
        await self.wait_until(lambda: all_in("FAILEDTOBUILD"), 60.0, what)
        return Wave(
            shares=dict(Counter(one.builder for one in tries)),
            order=[one.build_id - ids[0] for one in sorted(tries)],
            tried={one.number for one in tries},
        )

    async def attack(self) -> None:
        """Let the hostile builders in, with builds for them; return once they are at it."""
        await self.add("mallory", self.hostile.urls, "arm64")
        await self.submit("hostile", "arm64", BAIT)

        async def under_way() -> bool:
            known = await self.farm.read(roster.builders)
            return sum(not builder.builderok for builder in known) > len(SINGLE) // 4

        await self.wait_until(under_way, 60.0, "the hostile builders to do their worst")

    async def test_the_others_are_served_as_in_a_healthy_farm(self) -> None:
        """Each healthy builder gets as many builds, in the same order, without and with them."""
        await self.add("alice", [url for crowd in self.healthy for url in crowd.urls], "amd64")
        healthy = await self.wave()
        forget_peak()
        memory = peak_memory()
        await self.attack()
        attacked = await self.wave()
        self.assertEqual(healthy, attacked)
        self.assertEqual({1}, set(attacked.shares.values()))
        self.assertEqual(list(range(BUILDERS)), attacked.order)
        self.assertEqual({1}, attacked.tried)
        self.assertLess(peak_memory() - memory, MEMORY)
        known = await self.farm.read(roster.builders)
        blamed = [one.name for one in known if one.failure_count or not one.builderok]
        self.assertEqual([], [name for name in blamed if not name.startswith("mallory")])
        self.assertEqual([], self.farm.published_cookies())


def tries_of(store: Any, first: int, last: int) -> list[Try]:
    """A query: the attempts of these builds."""
    rows = store.execute(
        Select(
            (
                Attempt.id,
                Attempt.build_id,
                Attempt.number,
                Attempt.state,
                Build.state,
                Builder.name,
            ),
            And(
                Attempt.build_id >= first,
                Attempt.build_id <= last,
                Build.id == Attempt.build_id,
                Builder.id == Attempt.builder_id,
            ),
        )
    )
    return [Try(*row) for row in rows]


def submission(archive: str, processor: str, number: int) -> Submission:
    """A source package of a version of its own."""
    source, version = f"package{number}", f"1.{next(_VERSIONS)}"
    digest = hashlib.sha256(f"{source}_{version}".encode()).hexdigest()
    dsc = StoredFile(f"{source}_{version}.dsc", 100, digest[:40], digest)
    return Submission(
        source=SourcePackage(source, version, ("any",), (source,), (dsc,)),
        archive=archive,
        suite="bookworm",
        builds=(WantedBuild(processor, arch_indep=False),),
        score=0,
        requester="test",
    )
