"""Parts of logs, made in file threads, once for all who want the same one.

Layer 5. Tests: tests/functional/statuspage/test_logs.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from buildfarm.flow.threads import Workers
from buildfarm.statuspage.logparts import Log, LogPart, part_before, part_from
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.vocab.build import BuildSnapshot

#: Seconds for which a part is kept, and how many: some kilobytes each.
_LIFETIME, _KEPT = 5.0, 64

#: Parts that are made at once: as many as viewers may follow different builds.
_MAKING = 1000


@dataclass(frozen=True, slots=True)
class ToldPart:
    """A part, and what scripts are told of it."""

    part: LogPart
    json: bytes


class ToldParts:
    """Those that were made in the last seconds."""

    def __init__(self, reactor: Any, workers: Workers) -> None:
        self._workers = workers
        self._made = Snapshots(reactor, _LIFETIME, _KEPT, _MAKING)

    async def after(self, build: BuildSnapshot, log: Log, start: int) -> ToldPart:
        """The lines of the build's log from byte `start` on."""
        return await self._get(build, log, part_from, start)

    async def before(self, build: BuildSnapshot, log: Log, end: int) -> ToldPart:
        """The lines that end at byte `end`."""
        return await self._get(build, log, part_before, end)

    async def _get(
        self, build: BuildSnapshot, log: Log, make: Callable[[Log, int], LogPart], place: int
    ) -> ToldPart:
        def told() -> ToldPart:
            part = make(log, place)
            return ToldPart(part, part.as_json())

        key = build.id, build.attempt_count, log.size, make.__name__, place
        return await self._made.get(key, lambda: self._workers.run(told))
