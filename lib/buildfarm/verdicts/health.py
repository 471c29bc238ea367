"""Whether the manager is well: what was seen of it, judged.

Builders that fail are no trouble of the manager's. The sentences are for anybody who asks, so they
name settings and counts, and no path, builder or package; `build why` and the log say more.

Layer 1. Tests: tests/unit/verdicts/test_health.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isinf

from buildfarm.vocab.health import Health

#: Seconds for which acts may wait for their commit, a look at a builder for its turn, and the
#: reactor for what is due.
SLOW_COMMIT = 5.0
LATE_LOOK = 60.0
LATE_REACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was seen of the manager; as it stands here, of one that is well.

    `overdue` are the seconds by which builders are looked at late, infinite for one whose scanner
    has ended; `short_disks` the directories of the manager on disks with too little room;
    `lateness` the most by which the reactor was late of late.
    """

    started: bool = True
    database_answers: bool = True
    database_is_paused: bool = False
    database_file_is_there: bool = True
    committing_for: float = 0.0
    disks_answer: bool = True
    short_disks: tuple[str, ...] = ()
    spool_is_full: bool = False
    overdue: tuple[float, ...] = ()
    lateness: float = 0.0


def judge_health(vitals: Vitals) -> Health:
    """What is wrong, as sentences."""
    return Health((*_database(vitals), *_disks(vitals), *_scanning(vitals)))


def _database(vitals: Vitals) -> Iterator[str]:
    if not vitals.database_answers:
        yield "The database does not answer."
    if not vitals.database_file_is_there:
        yield "The file of the database is not where it was."
    if vitals.committing_for > SLOW_COMMIT:
        yield f"The database has taken nothing for {vitals.committing_for:.0f} s."
    elif vitals.database_is_paused:
        yield "The database takes nothing."


def _disks(vitals: Vitals) -> Iterator[str]:
    if not vitals.disks_answer:
        yield "The disks do not answer."
    for directory in vitals.short_disks:
        yield f"The disk of the {directory} has less room than [manager] min_free_bytes."
    if vitals.spool_is_full:
        yield "The spool holds more than [gather] max_spool_bytes."


def _scanning(vitals: Vitals) -> Iterator[str]:
    if not vitals.started:
        yield "The manager starts: builders are not scanned yet."
    ended = sum(map(isinf, vitals.overdue))
    if ended:
        yield f"The scan loops of {ended} builders have ended."
    late = [seconds for seconds in vitals.overdue if seconds > LATE_LOOK and not isinf(seconds)]
    if late:
        yield f"The scan loops of {len(late)} builders are stuck, one for {max(late):.0f} s."
    if vitals.lateness > LATE_REACTOR:
        yield f"The manager was busy for {vitals.lateness:.1f} s at a stretch in the last minute."
