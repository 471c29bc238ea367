"""Storm's PostgreSQL backend, told how the farm wants its connections and transactions.

A writer's transaction is read committed (Storm's default is repeatable read) and begins by taking
its turn: an advisory lock that lasts until it ends. So acts follow each other here as they do in
SQLite, whoever commits them, and none sees half of another. A reader's transaction is repeatable
read and read only: what one query asks in several statements is one state.

Every wait has an end: for a connection, for a statement, for the turn to write, for a session
whose client is gone or asleep.

Layer 3. Tests: tests/functional/storage/postgres.
"""

import os
import secrets
import socket
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN
from storm.databases.postgres import Postgres, PostgresConnection
from storm.exceptions import InternalError, wrap_exceptions
from storm.store import Store
from storm.uri import URI

from buildfarm.storage.errors import CommitInDoubt, DatabaseTaken, is_lost, translated
from buildfarm.storage.prepared import PreparedStatements

#: The schema that holds the farm's tables, and nothing else.
SCHEMA = "buildfarm"

#: The two numbers of each of our advisory locks: "bfrm", and which it is.
_MANAGER_LOCK = "1650881133, 1"
_WRITE_TURN = "1650881133, 2"

#: Seconds for which whoever wants to write exclusively waits for another that does.
LOCK_TIMEOUT = 5.0

_HOLDER = f"""
    SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 2
      AND (classid, objid) = ({_MANAGER_LOCK})
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - numbers of our own

_BEGIN_WRITING = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({_WRITE_TURN})"
)
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

#: Made by `init` beside the farm's tables: the last commit of each writer, in its own words.
LAST_COMMIT = "CREATE TABLE last_commit (writer TEXT PRIMARY KEY, number BIGINT, time TIMESTAMP)"

_MARK = (
    "INSERT INTO last_commit VALUES (%s, %s, now()) "
    "ON CONFLICT (writer) DO UPDATE SET number = excluded.number, time = excluded.time"
)

#: Writers that are gone, and of whose commits nobody is in doubt any more.
_FORGET = "DELETE FROM last_commit WHERE time < now() - interval '30 days'"

#: What the server is told at each connection; times are in milliseconds. Tables are joined in the
#: order in which our statements name them: to look for a better one took 5 ms for a build's order,
#: which joins eight, and would follow statistics that a new farm has not got. Compiling a statement
#: to machine code takes longer than any of ours runs.
_SESSION = {
    "search_path": SCHEMA,
    "timezone": "UTC",
    "statement_timeout": "60000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
    "client_connection_check_interval": "5000",
    "join_collapse_limit": "1",
    "jit": "off",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

#: The same on our side, in seconds, but for the last, which is in milliseconds.
_CLIENT = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

#: NUL, which PostgreSQL keeps in no text, and what stands for it there.
_NUL = "\0"
_NUL_SHOWN = "\N{SYMBOL FOR NULL}"


class FarmPostgresConnection(PostgresConnection):  # type: ignore[misc]
    """A connection that begins its transactions as its database says, and marks its commits.

    With each commit the connection writes its own name and a number: so that another can find out
    whether it was done. The server's own `pg_xact_status` cannot tell that for sure after a crash
    or on a standby, where an id that was lost is given again.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._name = secrets.token_hex(8)
        self._commits = 0
        self._prepared = PreparedStatements()

    def raw_execute(self, statement: str, params: Any = None) -> Any:
        """Run `statement`, in a transaction begun for reading or for writing; the driver's cursor.

        As for SQLite, Storm's wrapper around each call of the driver is gone round.
        """
        connection = self._raw_connection
        with wrap_exceptions(self._database):
            cursor = connection.cursor()
            if connection.get_transaction_status() == TRANSACTION_STATUS_IDLE:
                cursor.execute(self._database.begin_statement)
            if params:
                self._prepared.execute(cursor, statement, tuple(self.to_database(params)))
            else:
                cursor.execute(statement)
            return cursor

    def to_database(self, params: Any) -> Any:
        """The values as the driver takes them; a NUL in a text is replaced by a sign for it."""
        for value in super().to_database(params):
            if isinstance(value, str) and _NUL in value:
                yield value.replace(_NUL, _NUL_SHOWN)
            else:
                yield value

    def commit(self, xid: Any = None) -> None:
        """Commit what is under way.

        Raises CommitInDoubt where the connection is lost before the server has answered.
        """
        connection = self._raw_connection
        if connection.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            return
        with wrap_exceptions(self._database):
            cursor = connection.cursor()
            try:
                if self._database.marks_commits:
                    self._commits += 1
                    cursor.execute(f"{_MARK}; COMMIT", (self._name, self._commits))
                else:
                    cursor.execute("COMMIT")
            except psycopg2.Error as error:
                if connection.closed or is_lost(error):
                    raise CommitInDoubt(self._committed(self._name, self._commits)) from error
                raise
        if cursor.statusmessage != "COMMIT":
            raise InternalError("the transaction had failed and was rolled back")

    def rollback(self, xid: Any = None) -> None:
        """Give up what is under way, if the server has not done so itself."""
        connection = self._raw_connection
        status = connection.get_transaction_status()
        if status not in {TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN}:
            with wrap_exceptions(self._database):
                connection.cursor().execute("ROLLBACK")

    @staticmethod
    def _committed(name: str, number: int) -> Callable[[Any], bool]:
        def was_committed(store: Any) -> bool:
            """By another connection that writes: its turn comes when the lost one's has ended."""
            try:
                found = store.execute("SELECT number FROM last_commit WHERE writer = ?", (name,))
                return bool(found.get_one() == (number,))
            finally:
                store.rollback()

        return was_committed


class FarmPostgres(Postgres):  # type: ignore[misc]
    """A PostgreSQL database, opened for writing or only for reading."""

    connection_factory = FarmPostgresConnection

    #: As `FarmSQLite` has them.
    identity_column = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    text_column = 'TEXT COLLATE "C"'

    def __init__(self, uri: URI, *, writes: bool, marks_commits: bool) -> None:
        super().__init__(uri.copy())
        self.marks_commits = marks_commits
        self.begin_statement = _BEGIN_WRITING if writes else _BEGIN_READING
        self._arguments = _arguments(uri)
        if writes:
            self._arguments["target_session_attrs"] = "read-write"

    def _raw_connect(self) -> Any:
        """A driver's connection without transactions of its own, usable by one thread at a time."""
        connection = psycopg2.connect(**self._arguments)
        connection.autocommit = True
        self._version = connection.server_version
        return connection


def open_store(uri: URI, *, writes: bool, marks_commits: bool = False) -> Any:
    """A store of the database behind `uri`. Raises DatabaseAway where it cannot be reached.

    `marks_commits`, of a farm's database that `init` has made, for a writer whose commits matter to
    somebody who goes on.
    """
    with translated("it was connected to"):
        return Store(FarmPostgres(uri, writes=writes, marks_commits=marks_commits))


def cursor_of(store: Any) -> Any:
    """A cursor of the driver's, in the transaction of `store`, for what Storm has no words for."""
    store.execute("SELECT 1", noresult=True)
    return store._connection._raw_connection.cursor()  # noqa: SLF001


def forget_old_commits(store: Any) -> None:
    """Remove the marks of writers that are long gone."""
    store.execute(_FORGET, noresult=True)


def lock_for_manager(store: Any) -> None:
    """Take the manager's lock for as long as the connection of `store` lasts.

    Raises DatabaseTaken where another connection keeps it for longer than LOCK_TIMEOUT.
    """
    connection = store._connection._raw_connection  # noqa: SLF001 - outside any transaction
    with connection.cursor() as cursor, translated("the manager's lock was taken"):
        try:
            cursor.execute(f"SET lock_timeout = {int(LOCK_TIMEOUT * 1000)}")
            cursor.execute(f"SELECT pg_advisory_lock({_MANAGER_LOCK})")
            cursor.execute(f"SET lock_timeout = {_SESSION['lock_timeout']}")
        except psycopg2.errors.LockNotAvailable:
            raise DatabaseTaken(
                f"Another manager works on this database ({_holder(cursor)}); stop it first."
            ) from None


def _holder(cursor: Any) -> str:
    """Who holds the manager's lock, as they named themselves."""
    cursor.execute(_HOLDER)
    row = cursor.fetchone()
    return row[0] if row else "gone by now"


def _arguments(uri: URI) -> dict[str, Any]:
    """What the driver is given; what the URI has besides is libpq's own and overrides ours.

    But for the settings of the session, which may only be added to: of two values the server takes
    the last, and tables are not looked for outside the farm's schema.
    """
    ours = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    session = " ".join(filter(None, (uri.options.get("options"), ours)))
    named = {
        "dbname": uri.database,
        "host": uri.host,
        "port": uri.port,
        "user": uri.username,
        "password": uri.password,
    }
    return {
        **_CLIENT,
        "application_name": f"buildd-manager {os.getpid()} on {socket.gethostname()}",
        "client_encoding": "UTF8",
        **{name: value for name, value in named.items() if value is not None},
        **uri.options,
        "options": session,
    }
