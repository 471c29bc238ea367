"""PostgreSQL for tests: clusters of their own, and a fresh database for each test.

    self.database = Database(fresh_database(self))          # a farm that `init` has made
    self.database = Database(fresh_database(self, EMPTY))   # nothing

Beside the layers. A cluster is a server in a temporary directory, listening on a Unix socket and
on a free port of 127.0.0.1, and kept by a process of its own (`postgreskeeper`), so that nothing
of it is left however a run ends. One is shared by all tests of a process; a test that stops its
server makes one for itself: `Cluster.of(self)`.
Tests: tests/functional/farmtesting/test_postgres.py.
"""

import atexit
import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import psycopg2

from buildfarm.farmtesting.ports import free_port
from buildfarm.farmtesting.postgreskeeper import OWNER
from buildfarm.storage.database import Database

#: Settings of a server whose machine will not lose its power before the test has ended.
_QUICK = ("fsync=off", "full_page_writes=off")

#: The database that those of the tests are copies of: a farm that `init` has made.
FARM = "farm_template"

#: What an empty one is a copy of.
EMPTY = "template0"

_numbers = itertools.count(1)


class CleansUp(Protocol):
    """What a test is here."""

    def addCleanup(self, function: Callable[[], Any], /) -> object:
        """Call `function` when the test has ended."""


class Cluster:
    """A PostgreSQL server of our own, running when it is made."""

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        """`durable` has commits flushed to disk; `settings` are lines of postgresql.conf."""
        self.port = free_port()
        common = (f"port={self.port}", "listen_addresses=127.0.0.1", "max_connections=60")
        chosen = (*common, *(() if durable else _QUICK), *settings)
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "buildfarm.farmtesting.postgreskeeper", *chosen],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        self.directory = Path(self._answer())
        self.start()

    @classmethod
    def of(
        cls, test: CleansUp, *, durable: bool = False, settings: tuple[str, ...] = ()
    ) -> "Cluster":
        """A cluster that ends with the test."""
        cluster = cls(durable=durable, settings=settings)
        test.addCleanup(cluster.close)
        return cluster

    def start(self) -> None:
        """Start the server again; returns when it takes connections."""
        self._do("start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends its sessions in order, `immediate` is as if it crashed."""
        self._do(f"stop {mode}")

    def close(self) -> None:
        """Stop the server and remove the cluster."""
        if self._keeper.poll() is None:
            assert self._keeper.stdin is not None, "it was made with a pipe"
            self._keeper.stdin.close()
            self._keeper.wait(60)
            assert self._keeper.stdout is not None, "it was made with a pipe"
            self._keeper.stdout.close()

    def uri(self, database: str, user: str = OWNER) -> str:
        """Where a farm finds this database, by the Unix socket."""
        return f"postgres:///{database}?host={self.directory}&port={self.port}&user={user}"

    @staticmethod
    def name_of(uri: str) -> str:
        """The name of the database that a URI of ours names."""
        return uri.partition("?")[0].rpartition("/")[2]

    def tcp_uri(self, database: str, user: str = OWNER, password: str = "") -> str:
        """Where a farm finds this database, by the network."""
        login = f"{user}:{password}" if password else user
        return f"postgres://{login}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement of SQL as its owner; its rows."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connect(self, database: str = "postgres") -> Any:
        """A connection of the driver's, which commits each statement; the caller closes it."""
        connection = psycopg2.connect(
            dbname=database, host=str(self.directory), port=self.port, user=OWNER
        )
        connection.autocommit = True
        return connection

    def make_database(self, template: str) -> str:
        """Make a database like `template`; its name."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @cache  # noqa: B019 - clusters are few, and each is wanted until the end
    def farm(self) -> str:
        """The name of a database with an initialised farm, to be copied."""
        self.execute(f"CREATE DATABASE {FARM}")
        Database(self.uri(FARM)).init()
        return FARM

    def _do(self, line: str) -> None:
        assert self._keeper.stdin is not None, "it was made with a pipe"
        self._keeper.stdin.write(f"{line}\n")
        self._answer()

    def _answer(self) -> str:
        assert self._keeper.stdout is not None, "it was made with a pipe"
        answer = self._keeper.stdout.readline().strip()
        if not answer:
            raise AssertionError(f"the keeper of PostgreSQL ended: {self._keeper.wait(60)}")
        return answer


@cache
def shared_cluster() -> Cluster:
    """The cluster of all tests of this process, started by the first that asks."""
    cluster = Cluster()
    atexit.register(cluster.close)
    return cluster


def fresh_database(test: CleansUp, template: str = FARM) -> str:
    """The URI of a database for this test alone: a farm that `init` made, or an EMPTY one."""
    cluster = shared_cluster()
    name = cluster.make_database(cluster.farm() if template == FARM else template)
    test.addCleanup(lambda: cluster.drop_database(name))
    return cluster.uri(name)
