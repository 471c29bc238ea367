"""Requirements: each distinct thing that builds ask of a builder, once.

Layer 3. Tests: tests/unit/storage/test_queue.py.
"""

from typing import Any

from storm.expr import And, Insert, Select

from buildfarm.storage.rows import REQUIREMENT, texts_as_json
from buildfarm.storage.statements import Statement
from buildfarm.storage.tables import Requirement as Table
from buildfarm.vocab.build import Requirement

_ALL = Statement(Select(REQUIREMENT.columns, tables=[Table], order_by=Table.id))


def requirements(store: Any) -> tuple[Requirement, ...]:
    """Every requirement that a build ever had: a few dozen at most."""
    return tuple(REQUIREMENT.read(row) for row in _ALL.rows(store))


def requirement_id(
    store: Any, processor: str, virtualized: bool, resources: tuple[str, ...] = ()
) -> int:
    """The id of this requirement, whose row is made if it is new."""
    stored = texts_as_json(sorted(resources))
    same = And(
        Table.processor == processor,
        Table.virtualized == virtualized,
        Table.resources == stored,
    )
    row = store.execute(Select(Table.id, same)).get_one()
    if row is None:
        new = {Table.processor: processor, Table.virtualized: virtualized, Table.resources: stored}
        store.execute(Insert(new), noresult=True)
        row = store.execute(Select(Table.id, same)).get_one()
    return int(row[0])
