"""One run: a plan carried out on a simulated farm, until everything has ended or never will.

Beside the layers. Tests: tests/unit/simulation.
"""

import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from storm.expr import LeftJoin, Select
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from buildfarm.simulation import people
from buildfarm.simulation.farm import Farm
from buildfarm.simulation.faults import befall
from buildfarm.simulation.invariants import UNENDED
from buildfarm.simulation.plan import Plan
from buildfarm.simulation.story import Story
from buildfarm.storage import builds, roster
from buildfarm.storage.rows import ATTEMPT, EVENT
from buildfarm.storage.tables import Attempt, Builder, Event, Queue
from buildfarm.vocab.errors import FarmError

#: Seconds of virtual time that a farm without faults has for ending what is left.
PATIENCE = 5_400.0

#: What is told of the directory of the farm's files, whose name is another each time.
_ROOT = "/farm"

#: Times that the collector is run after a world has ended.
_COLLECTIONS = 4

#: Seconds between two looks at whether all has ended.
_LOOK = 30.0


def simulate(plan: Plan) -> Story:
    """Carry out `plan`; what there is to tell of it."""
    with _in_memory() as root, _without_collector(), _listening() as mistakes:
        return _carried_out(plan, root, mistakes)


def _carried_out(plan: Plan, root: Path, mistakes: list[str]) -> Story:
    farm = Farm(plan, root)
    world = farm.world
    for upload in plan.uploads:
        world.callLater(upload.time, people.submit, farm, upload)
    for request in plan.requests:
        world.callLater(request.time, people.ask_for, farm, request)
    for fault in plan.faults:
        world.callLater(fault.time, befall, farm, fault)
    people.Operator(farm).start()
    people.read_archives(farm)
    farm.start_manager()
    world.run(plan.healed)
    farm.start_manager()
    ended = False
    while not ended and world.seconds() < plan.healed + PATIENCE:
        world.run(world.seconds() + _LOOK)
        ended = _has_ended(farm)
    story = _tell(farm, ended, tuple(mistakes))
    farm.kill_manager()
    farm.database.close()
    return story


def _has_ended(farm: Farm) -> bool:
    with farm.database.looked_into() as store:
        running = builds.builds(store, UNENDED, limit=1)
        return not running


def _tell(farm: Farm, ended: bool, mistakes: tuple[str, ...]) -> Story:
    for archive in farm.archives.values():
        archive.read(farm.world.seconds())
    with farm.database.looked_into() as store:
        events = [
            replace(event, reason=event.reason.replace(farm.root, _ROOT))
            for event in _all(store, EVENT, Event)
        ]
        return Story(
            plan=farm.plan,
            ended=ended,
            seconds=farm.world.seconds(),
            events=tuple(events),
            times=tuple(farm.moments[event.time] for event in events),
            builds=tuple(reversed(builds.builds(store, limit=1 << 30))),
            attempts=_all(store, ATTEMPT, Attempt),
            builders=roster.builders(store, include_inactive=True),
            waiting=tuple(row[0] for row in store.execute(Select(Queue.build_id)).get_all()),
            runs=tuple(farm.ledger),
            deliveries={
                name: tuple(archive.deliveries) for name, archive in sorted(farm.archives.items())
            },
            entries=tuple(
                replace(entry, text=entry.text.replace(farm.root, _ROOT))
                for entry in farm.world.entries
            ),
            mistakes=mistakes,
        )


def _all(store: Any, shape: Any, table: Any) -> tuple[Any, ...]:
    """Every row of events or attempts, each with the name of its builder, oldest first."""
    tables = [table, LeftJoin(Builder, Builder.id == table.builder_id)]
    rows = store.execute(Select(shape.columns, tables=tables, order_by=table.id)).get_all()
    return tuple(shape.read(row) for row in rows)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """The errors that the manager logs and that are none of its own kinds, with tracebacks."""
    mistakes: list[str] = []

    def observe(event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None and not failure.check(FarmError):
            mistakes.append(f"{formatEvent(event)}: {failure.getTraceback()}")

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    try:
        yield mistakes
    finally:
        globalLogPublisher.removeObserver(observer)


@contextmanager
def _in_memory() -> Iterator[Path]:
    """A directory for the farm's files, in memory where the system has such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - made with a name of its own
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=where) as directory:
        yield Path(directory)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let nothing of a killed manager be collected before the end: a killed process does nothing.

    What its coroutines would still do when they are thrown away is nobody's concern.
    """
    gc.collect()
    gc.disable()
    told = sys.unraisablehook
    try:
        yield
    finally:
        sys.unraisablehook = lambda unraisable: None
        gc.enable()
        for _ in range(_COLLECTIONS):  # what ends in one may leave more for the next
            gc.collect()
        sys.unraisablehook = told
