"""What has changed since an event, for those who look on.

Layer 3. Tests: tests/unit/storage/test_changes.py.
"""

from dataclasses import dataclass
from typing import Any

from storm.expr import LeftJoin, Select

from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import Archive, Build, Builder, Event

#: Changes that are read at once.
MOST = 1000

_AFTER = Statement(
    Select(
        (Event.id, Builder.name, Event.build_id, Archive.private, Archive.name),
        Event.id > Parameter("event"),
        [
            Event,
            LeftJoin(Builder, Builder.id == Event.builder_id),
            LeftJoin(Build, Build.id == Event.build_id),
            LeftJoin(Archive, Archive.id == Build.archive_id),
        ],
        order_by=Event.id,
        limit=MOST,
    )
)


@dataclass(frozen=True, slots=True)
class FarmChange:
    """One event: what it was about. `private_archive` is the build's, if not everybody sees it."""

    event: int
    builder: str | None
    build_id: int | None
    private_archive: str | None

    def build_seen(self, seen: frozenset[str] | None) -> int | None:
        """The build, for who may see these private archives (None: all); None where there is none.

        A build that they may not know of is none.
        """
        if self.private_archive is None or seen is None or self.private_archive in seen:
            return self.build_id
        return None


def changes_after(store: Any, event: int) -> tuple[FarmChange, ...]:
    """What has changed after this event, in order, at most `MOST`."""
    return tuple(
        FarmChange(event_id, builder, build_id, archive if private else None)
        for event_id, builder, build_id, private, archive in _AFTER.rows(store, event=event)
    )
