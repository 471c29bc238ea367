"""The PostgreSQL server of the demo, with its files in a temporary directory, gone with it."""

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2

TREE = Path(__file__).resolve().parents[1]

_KEEPER = "buildfarm.farmtesting.postgreskeeper"
_USER = "buildd"
_NAME = "farm"


class Postgres:
    """Running when it is made, with an empty database for the farm."""

    def __init__(self) -> None:
        self._port = _free_port()
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", _KEEPER, f"port={self._port}", "listen_addresses="],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._directory = self._answer()
        self._say("start")
        login = {"host": self._directory, "port": self._port, "user": _USER}
        with closing(psycopg2.connect(dbname="postgres", **login)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {_NAME}")

    def settings(self) -> str:
        """configs/demo.toml with this database, and with absolute paths."""
        place = f"host={self._directory}&port={self._port}&user={_USER}"
        text = (TREE / "configs" / "demo.toml").read_text()
        text = text.replace('"../', f'"{TREE}/')
        return text.replace("[manager]", f'[manager]\ndatabase = "postgres:///{_NAME}?{place}"', 1)

    def end(self) -> None:
        """Stop the server; its keeper removes what it had."""
        assert self._keeper.stdin is not None, "it was made with a pipe"
        self._keeper.stdin.close()
        self._keeper.wait()

    def _say(self, line: str) -> None:
        assert self._keeper.stdin is not None, "it was made with a pipe"
        self._keeper.stdin.write(f"{line}\n")
        self._keeper.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self._keeper.stdout is not None, "it was made with a pipe"
        answer = self._keeper.stdout.readline().strip()
        if not answer:
            raise RuntimeError("PostgreSQL does not start; why is said above.")
        return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
