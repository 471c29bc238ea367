"""What will be done to a simulated farm: its builders, what is submitted, and what goes wrong.

Beside the layers. Tests: tests/unit/simulation.

A plan follows from a seed and a size alone. It is data: `shorten` makes smaller ones of it.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from random import Random

from buildfarm.vocab.states import Culprit, UploaderKind

ARCHITECTURES = ("amd64", "arm64")

#: The archives, each with its kind of uploader, and whether its builds need virtual builders.
ARCHIVES = (
    ("main", UploaderKind.DIRECTORY, False),
    ("pool", UploaderKind.REPREPRO, False),
    ("ppa", UploaderKind.DIRECTORY, True),
)


class Kind(Enum):
    """What can go wrong: whose fault it is, and about how long it lasts, in seconds."""

    POWER_CUT = ("a builder loses power", Culprit.BUILDER, 40.0)
    DAEMON_RESTART = ("a daemon is restarted", Culprit.BUILDER, 0.0)
    HANG = ("a daemon answers nothing", Culprit.BUILDER, 90.0)
    LOST_REPLY = ("a reply never arrives", Culprit.BUILDER, 60.0)
    LIE = ("a daemon answers nonsense", Culprit.BUILDER, 60.0)
    HOSTILE = ("a builder is in hostile hands", Culprit.BUILDER, 120.0)
    RESET_FAILS = ("resets fail", Culprit.BUILDER, 60.0)
    RESET_HANGS = ("resets hang", Culprit.BUILDER, 60.0)
    RESET_LIES = ("resets do nothing", Culprit.BUILDER, 60.0)
    SLOW = ("a link is slow", Culprit.NOBODY, 120.0)
    PARTITION = ("the network to a third of the builders is cut", Culprit.NOBODY, 60.0)
    KILL = ("the manager is killed", Culprit.MANAGER, 8.0)
    KILL_AT_STEP = ("the manager is killed at a checkpoint", Culprit.MANAGER, 8.0)
    STOP = ("the manager is stopped", Culprit.MANAGER, 8.0)
    CLOCK_JUMP = ("the wall clock jumps", Culprit.MANAGER, 0.0)
    DISK_FULL = ("the disk is full", Culprit.MANAGER, 15.0)
    DATABASE_LOCKED = ("the database is locked", Culprit.MANAGER, 20.0)
    DATABASE_FULL = ("the database's disk is full", Culprit.MANAGER, 10.0)
    DATABASE_BROKEN = ("the database cannot be read", Culprit.MANAGER, 10.0)
    ARCHIVE_REFUSES = ("an archive takes nothing", Culprit.MANAGER, 60.0)
    ARCHIVE_HANGS = ("an archive hangs", Culprit.MANAGER, 60.0)
    CHILDREN_DIE = ("upload children die", Culprit.MANAGER, 60.0)
    CHILDREN_HANG = ("upload children hang", Culprit.MANAGER, 30.0)

    def __init__(self, words: str, culprit: Culprit, lasts: float) -> None:
        self.words = words
        self.culprit = culprit
        self.lasts = lasts


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: from when, how long, and a number from which its target and details follow."""

    time: float
    kind: Kind
    seconds: float
    number: int


@dataclass(frozen=True, slots=True)
class Upload:
    """One version of a source package, submitted to an archive at a time."""

    time: float
    source: str
    version: str
    archive: str
    architectures: tuple[str, ...]
    score: int


class Wish(Enum):
    """What people ask for, of a build or a builder chosen by a number."""

    CANCEL = "cancel a build"
    RETRY = "retry a build"
    REBUILD = "retry a build, building again"
    RESCORE = "rescore a build"
    MANUAL = "take a builder for themselves, for a while"
    REMOVE = "remove a builder, and add it again"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for at a time; `number` says of what."""

    time: float
    wish: Wish
    number: int


@dataclass(frozen=True, slots=True)
class Builder:
    """One builder; a virtual one has a reset protocol, `1.1` or `2.0`."""

    name: str
    architectures: tuple[str, ...]
    protocol: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done. No fault lasts beyond `healed`; then all has to end."""

    seed: int
    builders: tuple[Builder, ...]
    uploads: tuple[Upload, ...]
    requests: tuple[Request, ...]
    faults: tuple[Fault, ...]
    healed: float

    def befallen(self, fault: Fault) -> tuple[str, ...]:
        """The builders that `fault` befalls, or whose network it does."""
        count = len(self.builders)
        if fault.kind is Kind.PARTITION:
            some = max(3, count * 3 // 10)
            return tuple(self.builders[(fault.number + at) % count].name for at in range(some))
        if fault.kind.culprit is Culprit.BUILDER or fault.kind is Kind.SLOW:
            return (self.builders[fault.number % count].name,)
        return ()


def make_plan(seed: int, builds: int, kinds: frozenset[Kind] = frozenset(Kind)) -> Plan:
    """The plan of a farm that gets about so many builds, and faults of these `kinds`.

    The farm is chosen so that it is busy for a quarter of an hour or more.
    """
    chance = Random(f"{seed}/plan")
    builders = _builders(chance, max(6, min(40, builds // 50)))
    span = max(120.0, 12.0 * builds / len(builders))
    uploads = _uploads(chance, builds, span)
    requests = sorted(
        (
            Request(chance.uniform(0, span), chance.choice(list(Wish)), chance.randrange(1 << 30))
            for _ in range(builds // 20)
        ),
        key=lambda request: request.time,
    )
    faults = [_fault(chance, span) for _ in range(chance.randrange(10, 30 + builds // 10))]
    return Plan(
        seed,
        builders,
        uploads,
        tuple(requests),
        tuple(sorted((f for f in faults if f.kind in kinds), key=lambda fault: fault.time)),
        healed=1.2 * span + 120.0,
    )


def _builders(chance: Random, count: int) -> tuple[Builder, ...]:
    """Each architecture has a real builder and a virtual one at least."""
    builders = []
    for number in range(count):
        architecture = ARCHITECTURES[number % 2]
        both = chance.random() < 0.2
        virtual = number % 4 >= 2
        protocol = chance.choice(("1.1", "1.1", "2.0")) if virtual else None
        tags: tuple[str, ...] = ARCHITECTURES if both else (architecture,)
        builders.append(Builder(f"b{number:02}", tags, protocol))
    return tuple(builders)


def _uploads(chance: Random, builds: int, span: float) -> tuple[Upload, ...]:
    """Packages, some of them again and again in newer versions; a fifth of them at once."""
    sources = max(5, builds // 4)
    wanted: list[tuple[float, str, str, tuple[str, ...]]] = []
    made = 0
    while made < builds:
        time = 1.0 if chance.random() < 0.2 else chance.uniform(1.0, span)
        source = f"s{int(sources * chance.random() ** 2)}"
        archive = chance.choices([name for name, _, _ in ARCHIVES], (3, 2, 2))[0]
        tags: tuple[str, ...] = (chance.choice(ARCHITECTURES),)
        if chance.random() < 0.6:
            tags = ARCHITECTURES
        wanted.append((time, source, archive, tags))
        made += len(tags)
    versions: Counter[tuple[str, str]] = Counter()
    uploads = []
    for time, source, archive, tags in sorted(wanted):
        versions[archive, source] += 1
        version = f"1.{versions[archive, source]}"
        score = chance.choice((0, 0, 0, 10, 100))
        uploads.append(Upload(time, source, version, archive, tags, score))
    return tuple(uploads)


#: Killing the manager is what is most often survived or not: so many times as often as the rest.
_OFTEN = {Kind.KILL: 3, Kind.KILL_AT_STEP: 4}


def _fault(chance: Random, span: float) -> Fault:
    kinds = list(Kind)
    kind = chance.choices(kinds, [_OFTEN.get(kind, 1) for kind in kinds])[0]
    seconds = min(kind.lasts * chance.uniform(0.2, 2.0), 0.2 * span + 60.0)
    return Fault(chance.uniform(5.0, span), kind, seconds, chance.randrange(1 << 30))
