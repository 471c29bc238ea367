"""How a database carries out the statements of an act: its own account of each."""

from collections.abc import Callable, Iterator
from typing import Any


class _Recorder:
    """A Storm store that remembers what is executed as text."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.executed: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def execute(self, statement: Any, params: Any = None, noresult: bool = False) -> Any:
        if isinstance(statement, str):
            self.executed.setdefault(statement, params)
        return self._store.execute(statement, params, noresult)


def plans(store: Any, act: Callable[[Any], object], table: str) -> list[str]:
    """Each statement by which `act` reads `table`, and its plan; nothing is left of the act."""
    recorder = _Recorder(store)
    act(recorder)
    store.rollback()
    lines = []
    for statement, params in recorder.executed.items():
        if statement.lstrip().startswith("SELECT") and table in statement:
            lines.append(" ".join(statement.split()))
            lines += [f"    {line}" for line in plan(store, statement, params)]
    store.rollback()
    return lines


def plan(store: Any, statement: str, params: Any = None) -> Iterator[str]:
    """How the database carries this statement out; PostgreSQL does so, to count what it reads."""
    if store.get_database().connection_factory.__module__.endswith("sqlite"):
        rows = store.execute(f"EXPLAIN QUERY PLAN {statement}", params).get_all()
        yield from (detail for *_, detail in rows)
    else:
        rows = store.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", params).get_all()
        yield from (line for (line,) in rows)
