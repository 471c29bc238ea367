"""Every test of the farm in a database, on PostgreSQL as on SQLite.

The tests are those of tests/unit/storage and tests/functional/storage: each of their classes has a
twin here that differs in its database only. What is about SQLite itself, or about its file, is a
`SQLiteTestCase` and has none.
"""

import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from buildfarm.farmtesting.postgres import Cluster, fresh_database, shared_cluster
from buildfarm.storage.database import Database
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase

_TESTS = Path(__file__).parents[2]


class OnPostgres:
    """Gives a test a database on the PostgreSQL server of this process."""

    uri: str

    #: How often `test_invariants` runs: each time costs a database and a thousand round trips.
    examples = 10

    def make_database(self: Any) -> Database:
        """A database with a farm that `init` has made."""
        self.uri = fresh_database(self)
        return Database(self.uri)

    def copier(self) -> Callable[[], tuple[Any, Callable[[], None]]]:
        """As `test_invariants` has it."""
        cluster = shared_cluster()
        template = Cluster.name_of(self.uri)

        def open_copy() -> tuple[Any, Callable[[], None]]:
            name = cluster.make_database(template)
            return Database(cluster.uri(name)).writer(), lambda: cluster.drop_database(name)

        return open_copy

    def has_open(self, process: subprocess.Popen[str]) -> bool:
        """As `test_processes` has it."""
        return bool(
            shared_cluster().execute(
                "SELECT 1 FROM pg_stat_activity "
                f"WHERE application_name LIKE 'buildd-manager {process.pid} on %'"
            )
        )

    def assert_whole(self) -> None:
        """As `test_processes` has it: the server looks after its own files."""


def modules() -> Iterator[ModuleType]:
    """All modules with tests of storage."""
    for package in ("unit", "functional"):
        for path in sorted((_TESTS / package / "storage").glob("test_*.py")):
            yield import_module(f"tests.{package}.storage.{path.stem}")


def twins(module: ModuleType) -> dict[str, type]:
    """The test classes of `module`, with another database, by both names."""
    prefix = module.__name__.rpartition(".test_")[2].capitalize()
    return {
        f"TestPostgres{prefix}{name.removeprefix('Test').removesuffix('Tests')}": type(
            name, (OnPostgres, case), {}
        )
        for name, case in vars(module).items()
        if isinstance(case, type)
        and case.__module__ == module.__name__
        and issubclass(case, StorageTestCase)
        and not issubclass(case, SQLiteTestCase)
        and any(method.startswith("test_") for method in dir(case))
    }


for _module in modules():
    globals().update(twins(_module))
