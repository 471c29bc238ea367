"""A farm of a thousand builders in processes of their own, to be let hostile ones loose on."""

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
from buildfarm.storage import builds, chroots, roster
from buildfarm.storage.tables import Attempt, Build, Builder
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.settings import GatherSettings
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

MIB = 1024 * 1024

#: Those that behave, in so many processes.
BUILDERS = 950
PROCESSES = 2

#: Their deadlines are those of a farm under attack that is to be over soon, and wide enough for a
#: busy machine.
_SCANNING = replace(QUICK, call_timeout=10.0, build_timeout=10.0, connect_timeout=10.0)

#: Files without end are to fill no disk of whoever runs this.
_GATHER = GatherSettings(max_file_bytes=16 * MIB, max_total_bytes=16 * MIB, max_log_bytes=4 * MIB)

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


class ThousandCase(FarmTestCase):
    """950 builders that behave; each side has an architecture, and so builds, of its own."""

    timeout = 240.0

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self, _SCANNING)
        self.farm.settings = replace(self.farm.settings, gather=_GATHER)
        await self.furnish_for_hostile()
        await self.farm.start()
        stack = ExitStack()
        self.addCleanup(stack.close)
        share = BUILDERS // PROCESSES
        self.healthy = [
            stack.enter_context(running([HEALTHY], share, number * share))
            for number in range(PROCESSES)
        ]

    async def furnish_for_hostile(self) -> None:
        """An archive of another architecture, so that each side has builds of its own."""
        root = self.farm.root / "hostile"
        for part in ("incoming", "outgoing"):
            (root / part).mkdir(parents=True)
        await self.farm.add_archive(
            "hostile", architectures=("arm64",), nominated_architecture="arm64", path=str(root)
        )
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

    async def add_healthy(self) -> None:
        """Let the farm know those that behave."""
        await self.add("alice", [url for crowd in self.healthy for url in crowd.urls], "amd64")

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
