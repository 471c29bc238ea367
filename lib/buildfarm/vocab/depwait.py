"""Builds that wait for packages which did not exist, and what was found of these since."""

from dataclasses import dataclass
from datetime import datetime

from buildfarm.vocab.archive import ArchiveSnapshot


@dataclass(frozen=True, slots=True)
class DepWait:
    """The latest check of a build in MANUALDEPWAIT.

    `tries` counts how often it was tried again by itself for these `dependencies`; it is not again
    before `not_before`. `state` stands for what was looked at. Times are naive UTC.
    """

    build_id: int
    dependencies: str
    tries: int
    not_before: datetime | None
    checked: datetime
    state: str
    finding: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A build in MANUALDEPWAIT, where its packages come from, and its latest check, if any."""

    build_id: int
    title: str
    suite: str
    architecture: str
    dependencies: str
    archive: ArchiveSnapshot
    last: DepWait | None


@dataclass(frozen=True, slots=True)
class Check:
    """One look for what a build waits for.

    `looked_at` has (place, state) of everything that was looked at; `state` is a digest of that
    and of the dependencies. `finding` is a sentence. `found`: all that was named is there.
    """

    build_id: int
    state: str
    looked_at: tuple[tuple[str, str], ...]
    finding: str
    found: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package as an index offers it, or as another one provides it.

    `version` is None for a name that is provided without a version; `by` is the package that
    provides it. `multi_arch` is that field of the package, "" where it has none.
    """

    name: str
    version: str | None
    multi_arch: str = ""
    by: str = ""
