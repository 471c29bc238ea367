"""How long builds took that were published: what a new one's estimate comes from.

Layer 3. Tests: tests/unit/storage/test_submit.py.
"""

from typing import Any

from storm.expr import And, Desc, Join, Ne, Select

from buildfarm.storage.rows import time_of
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import IS_BUILT, Attempt, Build
from buildfarm.verdicts.estimates import RECENT, estimated_duration
from buildfarm.vocab.states import AttemptOutcome


def _recent(*where: Any) -> Statement:
    return Statement(
        Select(
            (Attempt.sent, Attempt.gathered),
            And(Attempt.outcome == AttemptOutcome.PUBLISHED.value, *where),
            [Build, Join(Attempt, Attempt.build_id == Build.id)],
            order_by=Desc(Build.id),
            limit=RECENT,
        )
    )


_IS_SOURCE = Build.source == Parameter("source")
_IS_ARCHITECTURE = Build.architecture == Parameter("architecture")

_SAME_BUILD = _recent(_IS_SOURCE, _IS_ARCHITECTURE)
_SAME_SOURCE = _recent(_IS_SOURCE, Ne(Build.architecture, Parameter("architecture")))
# Told to look among published builds only, which have an index by architecture.
_SAME_ARCHITECTURE = _recent(_IS_ARCHITECTURE, IS_BUILT)


def estimate(store: Any, source: str, architecture: str) -> float:
    """Seconds that a build of `source` for `architecture` will probably take."""
    kinds = (_SAME_BUILD, _SAME_SOURCE, _SAME_ARCHITECTURE)
    return estimated_duration(*(_seconds(store, kind, source, architecture) for kind in kinds))


def _seconds(store: Any, kind: Statement, source: str, architecture: str) -> list[float]:
    rows = kind.rows(store, source=source, architecture=architecture)
    times = [(time_of(sent), time_of(gathered)) for sent, gathered in rows]
    return [(gathered - sent).total_seconds() for sent, gathered in times if sent and gathered]
