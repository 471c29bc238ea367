"""A process that writes pairs of rows for ever, and says which of them it has committed.

Run as `writer.py DATABASE NAME COUNT GROUP`: COUNT acts in groups of GROUP, each act in two
statements, so that half an act would be seen. After each commit it prints the numbers committed.
"""

import sys
from typing import Any

from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import Act, commit_group
from buildfarm.storage.database import Database

SCHEMA = "CREATE TABLE pair (name TEXT, number INTEGER, half TEXT, UNIQUE (name, number, half))"


def write_pair(name: str, number: int) -> Act:
    """An act of two statements, which reads before it writes."""

    def act(store: Any) -> Committed[int]:
        store.execute("SELECT COUNT(*) FROM pair WHERE name = ?", (name,)).get_one()
        for half in ("first", "second"):
            store.execute("INSERT INTO pair VALUES (?, ?, ?)", (name, number, half))
        return Committed(number)

    return act


def main(uri: str, name: str, count: int, group: int) -> None:
    """Write `count` pairs."""
    store = Database(uri).writer()
    for start in range(0, count, group):
        numbers = range(start, min(start + group, count))
        for outcome in commit_group(store, [write_pair(name, number) for number in numbers]):
            if outcome.committed is None:
                sys.exit(f"{name}: {outcome.error}")
            sys.stdout.write(f"{outcome.committed.value}\n")
        sys.stdout.flush()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
