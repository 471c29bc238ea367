"""Each hostile behaviour by itself, as 50 of 1,000 builders: `make hostile`.

No part of `make check`: it takes about a quarter of an hour. HOSTILE names some of them. It prints
a table and writes var/hostile.json; the facts of each wave are asserted as in `test_thousand`.
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.hostile.behaviour import Behaviour
from buildfarm.farmtesting.hostile.crowd import running
from buildfarm.farmtesting.hostile.table import BEHAVIOURS, SINGLE
from buildfarm.farmtesting.procfs import open_descriptors, resident_memory
from buildfarm.storage import roster
from tests.functional.hostile.thousand import BUILDERS, ThousandCase, Wave

HOSTILE = 50

#: Builds that wait for them, beyond those that were left by the ones before.
BAIT = 200

#: Descriptors more than before that may stay: readers of the database, connections to the healthy.
SLACK = 20

RESULTS = Path(__file__).parents[3] / "var/hostile.json"
MIB = 1024 * 1024

COLUMNS = (
    "behaviour",
    "judged as",
    "disabled",
    "builds",
    "ratio",
    "seconds",
    "MiB before",
    "descriptors before",
    "MiB after",
    "descriptors after",
)


def chosen() -> Sequence[Behaviour]:
    """Those that HOSTILE names, or each, the wrong types together as one of each."""
    names = os.environ.get("HOSTILE", "").split()
    for name in names:
        assert name in BEHAVIOURS, f"no behaviour is called {name}; see docs/hostile-builders.md"
    return [BEHAVIOURS[name] for name in names] or SINGLE


def served(wave: Wave, healthy: Wave, seconds: float) -> tuple[object, ...]:
    """How many builds the healthy builders did, against those of the healthy farm, and how fast."""
    done = sum(wave.shares.values())
    return done, f"{done / sum(healthy.shares.values()):.2f}", f"{seconds:.1f}"


class EachTests(ThousandCase):
    timeout = 3600.0

    async def test_each(self) -> None:
        """The healthy builders get the same number of builds in the same order, whoever is bad."""
        behaviours = chosen()
        await self.add_healthy()
        await self.wave()  # the farm has a history
        rows: list[tuple[object, ...]] = []
        healthy, seconds = await self.timed_wave()
        rows.append(("(none)", "", 0, *served(healthy, healthy, seconds), *self.use() * 2))
        for behaviour in behaviours:
            rows.append(await self.face(behaviour, healthy))
            Console().print(*rows[-1])
        self.tell(rows)

    async def face(self, behaviour: Behaviour, healthy: Wave) -> tuple[object, ...]:
        before = self.use()
        with running([behaviour.name], HOSTILE, BUILDERS) as crowd:
            await self.add(re.sub("[^a-z0-9]+", "-", behaviour.name.lower()), crowd.urls, "arm64")
            await self.submit("hostile", "arm64", BAIT)
            wave, seconds = await self.timed_wave()
            self.assertEqual(healthy, wave)
            known = await self.farm.read(roster.builders)
            hostile = [one for one in known if "arm64" in one.processors]
            for builder in hostile:
                await self.farm.write(roster.remove_builder, builder.name, True, "test", utc_now())
        await self.wait_until(
            lambda: open_descriptors() <= before[1] + SLACK,
            what=lambda: f"{open_descriptors()} descriptors to become {before[1]}",
        )
        out = sum(not one.builderok for one in hostile)
        told = served(wave, healthy, seconds)
        return (behaviour.name, behaviour.judged.value, out, *told, *before, *self.use())

    async def timed_wave(self) -> tuple[Wave, float]:
        begun = self.reactor.seconds()
        wave = await self.wave()
        return wave, self.reactor.seconds() - begun

    def use(self) -> tuple[int, int]:
        """Memory in MiB, and descriptors."""
        return resident_memory() // MIB, open_descriptors()

    def tell(self, rows: Sequence[tuple[object, ...]]) -> None:
        table = Table(*COLUMNS, title=f"{HOSTILE} hostile builders beside {BUILDERS}")
        for row in rows:
            table.add_row(*map(str, row))
        Console(width=160).print(table)
        RESULTS.parent.mkdir(exist_ok=True)
        told = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
