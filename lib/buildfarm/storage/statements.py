"""SQL expressions of Storm that are compiled once and run many times.

Compiling an expression costs Storm two to five times what SQLite needs to run it, so the verbs of
the hot path are written once as module constants with named parameters:

    _SENT = Statement(
        Update({Attempt.sent: Parameter("now")}, And(Attempt.id == Parameter("attempt_id"), …))
    )
    _SENT.run(store, now=now, attempt_id=7)

Verbs that people ask for now and then compile theirs each time with `store.execute`.

Layer 3. Tests: tests/unit/storage/test_statements.py.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from storm.expr import Expr, Insert, State
from storm.variables import Variable


class Parameter(Variable):  # type: ignore[misc]
    """A place in a statement for the value that is given by `name` each time it runs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def inserting(table: type, *names: str) -> Insert:
    """An INSERT into `table` of these columns, each with a parameter of its name."""
    return Insert({getattr(table, name): Parameter(name) for name in names}, table=table)


def parameters(name: str, count: int) -> list[Parameter]:
    """Places for several values, to be given by `several`."""
    return [Parameter(f"{name}{number}") for number in range(count)]


def several(name: str, values: Sequence[object]) -> tuple[int, dict[str, object]]:
    """How many `parameters` to take for these values, at least one of them, and each by its name.

    A power of two, so that few statements serve every number; the last value fills the rest, which
    changes nothing where a column is to be one of them.
    """
    count = 1 << (len(values) - 1).bit_length()
    filled = [*values, *[values[-1]] * (count - len(values))]
    return count, {f"{name}{number}": value for number, value in enumerate(filled)}


class Statement:
    """One expression, compiled at its first use for each kind of database."""

    def __init__(self, expression: Expr, *, returning: str = "") -> None:
        """`returning` names columns of the rows that an INSERT or UPDATE wrote: its answer."""
        self._expression = expression
        self._suffix = f" RETURNING {returning}" if returning else ""
        self._compiled: dict[Any, tuple[str, tuple[Any, ...]]] = {}

    def run(self, store: Any, **values: Any) -> Any:
        """Run with `values` for the parameters; the Storm result, whose `rowcount` is known.

        Values are as the driver takes them: text, numbers, datetimes, None; not enums.
        """
        compile_expression = store.get_database().connection_factory.compile
        try:
            text, parameters = self._compiled[compile_expression]
        except KeyError:
            state = State()
            text = compile_expression(self._expression, state) + self._suffix
            parameters = tuple(state.parameters)
            self._compiled[compile_expression] = text, parameters
        return store.execute(
            text, [values[one.name] if isinstance(one, Parameter) else one for one in parameters]
        )

    def one(self, store: Any, **values: Any) -> Any:
        """The first row as a tuple, or None."""
        return self.run(store, **values).get_one()

    def rows(self, store: Any, **values: Any) -> Iterator[tuple[Any, ...]]:
        """Every row."""
        return iter(self.run(store, **values).get_all())
