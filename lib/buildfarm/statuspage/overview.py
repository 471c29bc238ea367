"""The first page's content: every builder in the order in which people want to see them, counted.

Layer 5. Tests: tests/unit/statuspage/test_overview.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from buildfarm.statuspage.chart import Chart, chart
from buildfarm.storage.glance import glance
from buildfarm.storage.samples import samples
from buildfarm.verdicts.doing import doing, since
from buildfarm.vocab.glance import Backlog, Doing, Glance, GlancedBuilder, Sample

#: How far the chart looks back.
CHARTED = timedelta(days=1)

_ORDER = {word: place for place, word in enumerate(Doing)}

#: What a builder does that keeps it from taking builds.
OUT = frozenset({Doing.RESET_FAILING, Doing.FAILING, Doing.DISABLED})


@dataclass(frozen=True, slots=True)
class Row:
    """One builder: what it does since when, and for one that does nothing useful, why."""

    builder: GlancedBuilder
    doing: Doing
    since: datetime | None
    reason: str | None

    @property
    def available(self) -> bool:
        """Whether builds are dispatched to it by itself, now or once it is free."""
        return self.doing not in OUT and not self.builder.manual


@dataclass(frozen=True, slots=True)
class Group:
    """The builders for one processor, virtual or not, and the builds that wait for them."""

    processor: str
    virtualized: bool
    counts: Mapping[Doing, int]
    available: int
    backlog: Backlog

    @property
    def builders(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def out(self) -> int:
        """How many take no builds because something is wrong with them."""
        return sum(self.counts.get(word, 0) for word in OUT)

    @property
    def empty_in(self) -> float | None:
        """Seconds until nothing waits any more, if all goes on as now; None: never."""
        if not self.backlog.builds:
            return 0.0
        return self.backlog.seconds / self.available if self.available else None


@dataclass(frozen=True, slots=True)
class Overview:
    """The farm at `time`. `counts` are by the words of `WANTED`."""

    time: datetime
    event: int
    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    groups: tuple[Group, ...]
    chart: Chart

    @property
    def waiting(self) -> Backlog:
        """All that waits."""
        every = [group.backlog for group in self.groups]
        return Backlog(sum(one.builds for one in every), sum(one.seconds for one in every))


#: What a list of builders can be narrowed to, in words, and which rows that leaves.
WANTED: Mapping[str, Callable[[Row], bool]] = {
    "available": lambda row: row.available,
    "building": lambda row: row.doing in (Doing.BUILDING, Doing.GATHERING),
    "cleaning": lambda row: row.doing is Doing.CLEANING,
    "idle": lambda row: row.doing is Doing.IDLE,
    "reset failing": lambda row: row.doing is Doing.RESET_FAILING,
    "failing": lambda row: row.doing is Doing.FAILING,
    "disabled": lambda row: row.doing is Doing.DISABLED,
    "manual": lambda row: row.builder.manual,
}


def overview(
    store: object, seen: frozenset[str] | None, now: datetime, troubles: Mapping[int, str]
) -> Overview:
    """The farm as somebody may see it who may see the private archives `seen`.

    A query of `storage.transactor.Transactor.read`: thousands of builders are sorted in its thread.
    """
    return arranged(glance(store, seen, now), samples(store, now - CHARTED), troubles)


def arranged(found: Glance, day: Sequence[Sample], troubles: Mapping[int, str]) -> Overview:
    """The overview of what was found, with the samples of the `day` before.

    `troubles` is what scanners find wrong, by builder id.
    """
    rows = sorted(
        (_row(builder, troubles.get(builder.id)) for builder in found.builders),
        key=lambda row: (_ORDER[row.doing], row.builder.name),
    )
    return Overview(
        time=found.time,
        event=found.event,
        rows=tuple(rows),
        counts={word: sum(map(fits, rows)) for word, fits in WANTED.items()},
        groups=_groups(rows, found),
        chart=chart(day, found.time),
    )


def _row(builder: GlancedBuilder, trouble: str | None) -> Row:
    word = doing(builder, trouble)
    reason = trouble
    if word is Doing.DISABLED:
        reason = builder.failnotes or "disabled, without a note that says why"
    return Row(builder, word, since(builder), reason)


def _groups(rows: list[Row], found: Glance) -> tuple[Group, ...]:
    """One for each kind of builder that there is or that builds wait for.

    A builder for several processors is counted with each.
    """
    counts: dict[tuple[str, bool], Counter[Doing]] = {kind: Counter() for kind in found.backlogs}
    available: Counter[tuple[str, bool]] = Counter()
    for row in rows:
        for processor in row.builder.processors:
            kind = processor, row.builder.virtualized
            counts.setdefault(kind, Counter())[row.doing] += 1
            available[kind] += row.available
    return tuple(
        Group(*kind, counts[kind], available[kind], found.backlogs.get(kind, Backlog()))
        for kind in sorted(counts)
    )
