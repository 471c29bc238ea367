"""Every row of a farm, from one kind of database into the other.

Both have the same tables, which the same patches made: so a backup of PostgreSQL is an SQLite file,
and either kind is restored from one.

Layer 3. Tests: tests/functional/storage/postgres/test_backup.py.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from psycopg2.extras import execute_values

from buildfarm.flow.durable import flush_directory, flush_file
from buildfarm.storage import copies, schema
from buildfarm.storage.postgres import SCHEMA, cursor_of
from buildfarm.storage.sqlite import open_file

#: Rows at a time: it bounds what is in memory, and for how long the interpreter lock is kept.
_ROWS = 200

#: Tables of an SQLite file but for its own and that of the patches.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
_NOT_COPIED = {"patch"}


def write_backup(source: Any, version: int, target: Path) -> None:
    """Write every row that the reader `source` of PostgreSQL sees into the new file `target`.

    `version` is the schema's. Nothing is left behind where this fails.
    """
    copies.make_private(target)
    try:
        _make_tables(target, version)
        with closing(copies.connect(target)) as copy:
            copy.execute("BEGIN")
            for table in _tables(copy):
                _copy_out(source, copy, table)
            copy.execute("COMMIT")
            copy.execute("PRAGMA journal_mode = DELETE")
        flush_file(target)
        flush_directory(target.parent)
    except BaseException:
        copies.discard(target)
        raise


def read_backup(source: Path, target: Any) -> None:
    """Put every row of the SQLite file `source` into the empty tables of the writer `target`.

    Both have the same version. The caller commits.
    """
    with closing(copies.connect(source)) as copy:
        for table in _tables(copy):
            _copy_in(copy, target, table)
        for table, last in copy.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            target.execute("SELECT setval(?, ?)", (_sequence(target, table), last), noresult=True)


def _make_tables(path: Path, version: int) -> None:
    store = open_file(path, writes=True)
    try:
        schema.upgrade(store, version)
        store.execute(f"PRAGMA application_id = {copies.APPLICATION_ID}", noresult=True)
        store.commit()
    finally:
        store.close()


def _tables(copy: sqlite3.Connection) -> Iterator[str]:
    """The tables that are copied; those that others refer to come before them."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for (name,) in copy.execute(_TABLES):
        if name not in _NOT_COPIED:
            keys = copy.execute(f"PRAGMA foreign_key_list({name})")
            order.add(name, *{key[2] for key in keys} - {name})
    yield from order.static_order()


def _columns(copy: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Name and declared type of each column."""
    return [(row[1], row[2]) for row in copy.execute(f"PRAGMA table_info({table})")]


def _copy_out(source: Any, copy: sqlite3.Connection, table: str) -> None:
    names = [name for name, _ in _columns(copy, table)]
    marks = ", ".join("?" for _ in names)
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names from our schema
    cursor = cursor_of(source)
    cursor.execute(f"DECLARE rows NO SCROLL CURSOR FOR SELECT {', '.join(names)} FROM {table}")  # noqa: S608 - names from our schema
    while True:
        cursor.execute(f"FETCH {_ROWS} FROM rows")
        rows = cursor.fetchall()
        if not rows:
            break
        copy.executemany(insert, [tuple(map(_as_text, row)) for row in rows])
    cursor.execute("CLOSE rows")
    sequence = _sequence(source, table)
    if sequence is not None:
        last = source.execute(f"SELECT last_value FROM {sequence} WHERE is_called").get_one()  # noqa: S608 - names from our schema
        copy.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        if last is not None:
            copy.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, *last))


def _copy_in(copy: sqlite3.Connection, target: Any, table: str) -> None:
    columns = _columns(copy, table)
    listed = ", ".join(name for name, _ in columns)
    read = [bool if kind == "BOOLEAN" else None for _, kind in columns]
    cursor = cursor_of(target)
    found = copy.execute(f"SELECT {listed} FROM {table}")  # noqa: S608 - names from our schema
    while rows := found.fetchmany(_ROWS):
        values = [
            [
                decode(value) if decode and value is not None else value
                for decode, value in zip(read, row, strict=True)
            ]
            for row in rows
        ]
        execute_values(cursor, f"INSERT INTO {table} ({listed}) VALUES %s", values, page_size=_ROWS)  # noqa: S608 - names from our schema


def _as_text(value: Any) -> Any:
    """A value as Storm would have written it into SQLite."""
    return str(value) if isinstance(value, datetime) else value


def _sequence(store: Any, table: str) -> str | None:
    """What numbers the rows of a table of PostgreSQL, None where nothing does."""
    row = store.execute(
        "SELECT pg_get_serial_sequence(?, column_name) FROM information_schema.columns "
        "WHERE table_schema = ? AND table_name = ? AND is_identity = 'YES'",
        (f"{SCHEMA}.{table}", SCHEMA, table),
    ).get_one()
    return None if row is None else str(row[0])
