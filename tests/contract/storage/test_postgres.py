"""Every test of the farm in a database, on PostgreSQL as on SQLite.

The tests are those of tests/unit/storage and tests/functional/storage: each of their classes has a
twin here that differs in its database only. What is about SQLite itself, or about files, has none.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from buildfarm.farmtesting.postgres import fresh_database, shared_cluster
from buildfarm.storage.database import Database
from tests.functional.storage import test_rehearsal, test_transactor
from tests.unit.storage import (
    test_archives,
    test_attempts,
    test_builds,
    test_chroots,
    test_claim,
    test_commits,
    test_condition,
    test_epochs,
    test_events,
    test_invariants,
    test_orders,
    test_queue,
    test_restore,
    test_roster,
    test_schema,
    test_settle,
    test_statements,
    test_submit,
    test_uploads,
    test_waits,
)
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase

_MODULES = (
    test_archives,
    test_attempts,
    test_builds,
    test_chroots,
    test_claim,
    test_commits,
    test_condition,
    test_epochs,
    test_events,
    test_invariants,
    test_orders,
    test_queue,
    test_rehearsal,
    test_restore,
    test_roster,
    test_schema,
    test_settle,
    test_statements,
    test_submit,
    test_transactor,
    test_uploads,
    test_waits,
)


class OnPostgres:
    """Gives a test a database on the PostgreSQL server of this process."""

    #: How often `test_invariants` runs: each time costs a database and a thousand round trips.
    examples = 10

    def make_database(self: StorageTestCase) -> Database:  # type: ignore[misc]
        """A database with a farm that `init` has made."""
        return Database(fresh_database(self))

    def copier(self: StorageTestCase) -> Callable[[], tuple[Any, Callable[[], None]]]:  # type: ignore[misc]
        """As `test_invariants` has it."""
        cluster = shared_cluster()
        template = cluster.name_of(self.database.name)

        def open_copy() -> tuple[Any, Callable[[], None]]:
            name = cluster.make_database(template)
            return Database(cluster.uri(name)).writer(), lambda: cluster.drop_database(name)

        return open_copy


def twins(module: ModuleType) -> dict[str, type]:
    """The test classes of `module`, by the name of the module and theirs, with another database."""
    prefix = "".join(word.capitalize() for word in module.__name__.rpartition("_")[2].split("_"))
    return {
        f"TestPostgres{prefix}{name.removeprefix('Test')}": type(name, (OnPostgres, case), {})
        for name, case in vars(module).items()
        if name.startswith("Test")
        and issubclass(case, StorageTestCase)
        and not issubclass(case, SQLiteTestCase)
    }


for _module in _MODULES:
    globals().update(twins(_module))
