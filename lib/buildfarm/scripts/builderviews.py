"""Builders as the web service tells of them, and which of them somebody means.

Layer 7; pure but for `builders_of`. Tests: tests/unit/scripts/test_builderviews.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from buildfarm.scripts.entries import every, values_of
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.glance import Doing


@dataclass(frozen=True, slots=True)
class BuilderView:
    """One builder. `entry` is launchpadlib's, through which it is changed; times are aware.

    `reason` is why it does nothing useful, if it does not.
    """

    entry: Any
    name: str
    title: str
    url: str
    processors: tuple[str, ...]
    virtualized: bool
    vm_host: str | None
    open_resources: tuple[str, ...]
    restricted_resources: tuple[str, ...]
    builderok: bool
    failnotes: str | None
    manual: bool
    failure_count: int
    version: str | None
    clean_status: str
    doing: Doing
    since: datetime | None
    build_id: int | None
    reason: str | None

    @classmethod
    def of(cls, entry: Any, told: Mapping[str, Any]) -> "BuilderView":
        """The view of launchpadlib's `entry`, with what `getOverview` tells of it."""
        since, values = told["since"], values_of(entry, _FIELDS)
        processors = values.pop("processor_names")
        for offered in ("open_resources", "restricted_resources"):
            values[offered] = tuple(values[offered] or ())
        return cls(
            entry=entry,
            processors=tuple(processors),
            doing=Doing(told["state"]),
            since=None if since is None else datetime.fromisoformat(since),
            build_id=told["build_id"],
            reason=told["reason"],
            **values,
        )

    def lasted(self, now: datetime) -> timedelta | None:
        """For how long it has done what it does; None where nobody knows."""
        return None if self.since is None else now - self.since

    def as_json(self) -> dict[str, Any]:
        """Its fields for scripts."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "entry"}
        since = None if self.since is None else self.since.isoformat()
        return {**fields, "doing": self.doing.value, "since": since}


_FIELDS = (
    "name",
    "title",
    "url",
    "processor_names",
    "virtualized",
    "vm_host",
    "open_resources",
    "restricted_resources",
    "builderok",
    "failnotes",
    "manual",
    "failure_count",
    "version",
    "clean_status",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which builders: those that fit everything that is given; nothing given means all of them."""

    names: tuple[str, ...] = ()
    states: frozenset[Doing] = frozenset()
    processors: frozenset[str] = frozenset()
    virtualized: bool | None = None
    manual: bool | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was given."""
        return self == Wanted()

    def among(self, builders: Sequence[BuilderView], now: datetime) -> list[BuilderView]:
        """Those that fit at `now`. Raises Refused for a name that no builder has."""
        unknown = sorted(set(self.names) - {one.name for one in builders})
        if unknown:
            raise Refused(f"There is no builder {', '.join(unknown)}.")
        return [one for one in builders if self._fits(one, now)]

    def _fits(self, one: BuilderView, now: datetime) -> bool:
        return (
            (not self.names or one.name in self.names)
            and (not self.states or one.doing in self.states)
            and (not self.processors or not self.processors.isdisjoint(one.processors))
            and self.virtualized in (None, one.virtualized)
            and self.manual in (None, one.manual)
            and self._fits_age(one.lasted(now))
        )

    def _fits_age(self, age: timedelta | None) -> bool:
        if self.older_than is None and self.newer_than is None:
            return True
        if age is None:
            return False
        old_enough = self.older_than is None or age >= self.older_than
        return old_enough and (self.newer_than is None or age <= self.newer_than)


def builders_of(service: Any, names: Collection[str] = ()) -> list[BuilderView]:
    """The builders of these names, as far as there are such, or every builder of the farm."""
    told = {one["name"]: one for one in service.builders.getOverview()["builders"]}
    if names:
        known = [name for name in told if name in names]
        return [BuilderView.of(service.builders.getByName(name=one), told[one]) for one in known]
    return [
        BuilderView.of(one, told[one.name]) for one in every(service.builders) if one.name in told
    ]
