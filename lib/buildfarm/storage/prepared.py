"""Statements that a session of PostgreSQL has prepared: parsed and planned once, not every time.

Parsing and planning cost the server more than running most of ours: the order of a build joins
eight tables to read eight rows. The driver prepares nothing by itself, so a statement that comes
again and again in a session is prepared here; SQLite's driver does as much. A plan that is kept was
made for the tables as they were, and the server looks at them again only after it has gathered
statistics: so each is planned anew now and then.

Layer 3. Tests: tests/functional/storage/postgres/test_prepared.py.
"""

import re
from typing import Any

import psycopg2

#: How often a statement has to come before it is prepared.
WORTH = 5

#: Uses after which a statement is planned anew: of a queue that grows, few claims read too much.
RENEWED_AFTER = 100

#: Statements that one session keeps at most, and those whose uses it counts.
MOST = 250
_COUNTED = 1000

_KINDS = ("SELECT", "INSERT", "UPDATE", "DELETE")

# The driver's marks for a parameter and for a percent sign.
_MARK = re.compile(r"%([s%])")


class PreparedStatements:
    """What the session of one connection has prepared; begins anew with another connection."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._uses: dict[str, int] = {}
        #: The names of prepared statements; None for those that cannot be.
        self._names: dict[str, str | None] = {}
        self._left: dict[str, int] = {}

    def execute(self, cursor: Any, statement: str, values: tuple[Any, ...]) -> None:
        """Run `statement`, in the transaction under way, prepared if it is worth it."""
        name = self._name_of(cursor, statement)
        if name is None:
            cursor.execute(statement, values)
            return
        self._left[name] -= 1
        if self._left[name] < 0:
            cursor.execute(f"DEALLOCATE {name}; {self._preparation(name, statement)}")
        cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(values))})", values)

    def _name_of(self, cursor: Any, statement: str) -> str | None:
        if cursor.connection is not self._connection:
            self._connection = cursor.connection
            self._uses.clear()
            self._names.clear()
        if statement in self._names:
            return self._names[statement]
        if not statement.startswith(_KINDS) or len(self._names) >= MOST:
            return None
        if len(self._uses) >= _COUNTED:
            self._uses.clear()
        self._uses[statement] = self._uses.get(statement, 0) + 1
        if self._uses[statement] >= WORTH:
            self._names[statement] = self._prepare(cursor, statement)
        return self._names.get(statement)

    def _prepare(self, cursor: Any, statement: str) -> str | None:
        """The name of the prepared statement; None where a parameter could be of any type."""
        name = f"farm_{len(self._names)}"
        cursor.execute("SAVEPOINT preparing")
        try:
            cursor.execute(self._preparation(name, statement))
        except psycopg2.ProgrammingError:
            cursor.execute("ROLLBACK TO SAVEPOINT preparing; RELEASE SAVEPOINT preparing")
            return None
        cursor.execute("RELEASE SAVEPOINT preparing")
        return name

    def _preparation(self, name: str, statement: str) -> str:
        self._left[name] = RENEWED_AFTER
        return f"PREPARE {name} AS {_numbered(statement)}"


def _numbered(statement: str) -> str:
    """`statement` with the server's numbered marks in place of the driver's."""
    count = 0

    def replaced(mark: re.Match[str]) -> str:
        nonlocal count
        if mark[1] == "%":
            return "%"
        count += 1
        return f"${count}"

    return _MARK.sub(replaced, statement)
