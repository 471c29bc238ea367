"""`soak`: 1,000 builders at work for ten minutes, and what grows meanwhile.

Builds come in as fast as they are done. The figures are of the second half, when everything has
been seen once; `SOAK_SECONDS` in the environment makes it shorter.
"""

import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.farm import Builders, Manager
from bench.figures import Figure, told, under

BUILDERS = 1000
SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))

#: Seconds that each build takes, give or take this part of them, and bytes that it makes.
_BUILD = 60.0
_SPREAD = 0.25
_RESULT_SIZE = 16 * 1024

#: Builds that wait at any time, so that nobody who is idle waits for one.
_WAITING = 100

#: Seconds between two samples.
_SAMPLE = 1.0

#: What whoever submits asks for, which is no part of a build.
_OF_SUBMITTERS = frozenset({"rehearsed", "submit"})

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """The manager at one moment; memory in MiB, files in bytes."""

    when: float
    memory: float
    descriptors: int
    database: int
    log: int
    published: int
    scans: int


def figures() -> list[Figure]:
    """What the second half of the run says."""
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as scratch:
        directory = Path(scratch)
        report = directory / "report.json"
        builders = Builders(
            directory, BUILDERS, processes=2, seconds=_BUILD, spread=_SPREAD, size=_RESULT_SIZE
        )
        try:
            with Manager(directory, report=report) as manager:
                manager.add_builders(builders.urls)
                samples = _run(manager, builders, directory / "state")
        finally:
            builders.close()
        acts = json.loads(report.read_text())["acts"]
    return rows(samples, acts)


def _run(manager: Manager, builders: Builders, state: Path) -> list[Sample]:
    """Keep the farm at work; what was seen on the way."""
    samples = [_sample(manager, builders, state)]
    submitted = 0
    until = samples[0].when + SECONDS
    while time.monotonic() < until:
        wanted = len(builders.builds()) + _WAITING
        while submitted < wanted:
            manager.submit(submitted)
            submitted += 1
        time.sleep(max(0.0, samples[-1].when + _SAMPLE - time.monotonic()))
        samples.append(_sample(manager, builders, state))
    return samples


def _sample(manager: Manager, builders: Builders, state: Path) -> Sample:
    pid = manager.process.pid
    database = state / "buildd-manager.db"
    return Sample(
        when=time.monotonic(),
        memory=processes.memory(pid) / _MIB,
        descriptors=processes.descriptors(pid),
        database=database.stat().st_size,
        log=database.with_name(f"{database.name}-wal").stat().st_size,
        published=manager.published(),
        scans=builders.scans(),
    )


def rows(samples: Sequence[Sample], acts: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The rows of the table; `acts` are those of the whole run, by name, each with its time."""
    half = samples[len(samples) // 2 :]
    first, last = half[0], half[-1]
    builds, minutes = last.published - first.published, (last.when - first.when) / 60
    written = Counter(
        {
            name: sum(first.when <= moment < last.when for moment in moments)
            for name, moments in acts.items()
            if name not in _OF_SUBMITTERS
        }
    )
    notes = written.pop("record_progress", 0)
    per_builder = (last.scans - first.scans) / BUILDERS
    growth = (last.database - first.database) / builds
    return [
        under("soak: memory grows by", "MiB/min", _slope(half, "memory"), None, 1.0),
        told("soak: memory in the end", "MiB", last.memory, None),
        under("soak: most descriptors, against half-time", "", _rise(half), None, 1.1),
        under("soak: write acts per build", "", written.total() / builds, None, 5.05),
        told("soak: write acts for notes on all builds", "1/s", notes / minutes / 60, None),
        told("soak: status calls per builder and minute", "", per_builder / minutes, None),
        told("soak: status calls per build", "", per_builder * BUILDERS / builds, None),
        told("soak: builds per second", "", builds / minutes / 60, None),
        told("soak: database grows by, per build", "KiB", growth / 1024, None),
        told("soak: largest log of the database", "MiB", max(s.log for s in half) / _MIB, None),
    ]


def _rise(samples: Sequence[Sample]) -> float:
    """The most descriptors that were open in the second half, as a part of those in the first.

    They come and go with the connections for files: a straight line says nothing of them.
    """
    middle = len(samples) // 2
    first, second = (
        max(sample.descriptors for sample in half) for half in (samples[:middle], samples[middle:])
    )
    return second / first


def _slope(samples: Sequence[Sample], what: str) -> float:
    """By how much this grows in a minute, as a straight line has it."""
    minutes = [sample.when / 60 for sample in samples]
    return statistics.linear_regression(minutes, [getattr(s, what) for s in samples]).slope
