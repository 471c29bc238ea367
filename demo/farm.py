"""The farm of the demo: three reference builders, a manager and, where it is asked for, a
PostgreSQL server, as processes of their own.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from postgres import Postgres

from buildfarm.flow.lockfiles import HeldLock, try_hold

TREE = Path(__file__).resolve().parents[1]
HOME = TREE / "var" / "demo"
CONFIG = TREE / "configs" / "demo.toml"

#: The same with its database in PostgreSQL, written for each demo.
POSTGRES_CONFIG = HOME / "demo-postgres.toml"
BIN = TREE / ".venv" / "bin"

#: Two "virtual machines", reset before each build by demo/reset-builder, and one real machine:
#: name, address.
VIRTUAL = {"vm1": "127.0.0.11", "vm2": "127.0.0.12"}
REAL = {"metal": "127.0.0.13"}

#: Seconds for the manager to answer, and to stop.
_PATIENCE = 30.0


class Refusal(Exception):
    """A command of the manager was refused; its sentence."""


class Farm:
    """Running while entered; afterwards nothing of it is left running."""

    def __init__(self, *, on_postgres: bool = False) -> None:
        self.config = POSTGRES_CONFIG if on_postgres else CONFIG
        self._postgres: Postgres | None = None
        self._manager: subprocess.Popen[bytes] | None = None
        self._lock: HeldLock | None = None

    def __enter__(self) -> "Farm":
        HOME.parent.mkdir(exist_ok=True)
        self._lock = try_hold(HOME.parent / "demo.lock")
        if self._lock is None:
            raise Refusal("A demo runs in this tree already; end it first.")
        shutil.rmtree(HOME, ignore_errors=True)
        (HOME / "builders").mkdir(parents=True)
        try:
            for address in (*VIRTUAL.values(), *REAL.values()):
                self._start_builder(address)
            if self.config == POSTGRES_CONFIG:
                self._postgres = Postgres()
                self.config.write_text(self._postgres.settings())
            self._start_manager()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def ask(self, *arguments: str) -> Any:
        """What a command of the manager answers with --json. Raises Refusal."""
        return json.loads(self._command(*arguments, "--json"))

    def wait_for_manager(self) -> int:
        """Wait until the manager has ended, which it does when somebody stops it; its status."""
        assert self._manager is not None
        return self._manager.wait()

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [BIN / "buildd-manager", "--config", self.config, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refusal(f"buildd-manager {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _start_builder(self, address: str) -> None:
        done = subprocess.run(
            [TREE / "demo" / "reset-builder", "localhost", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refusal(f"The builder at {address} does not start: {done.stdout.strip()}")

    def _start_manager(self) -> None:
        self._command("init")
        with (HOME / "manager.log").open("wb") as log:
            self._manager = subprocess.Popen(
                [BIN / "buildd-manager", "--config", self.config, "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        give_up = time.monotonic() + _PATIENCE
        while not (HOME / "manager" / "control.sock").exists():
            if self._manager.poll() is not None or time.monotonic() > give_up:
                end = (HOME / "manager.log").read_text(errors="replace")[-2000:]
                raise Refusal(f"The manager does not start; the end of its log:\n{end}")
            time.sleep(0.05)

    def _end(self) -> None:
        if self._manager is not None and self._manager.poll() is None:
            self._manager.terminate()
            try:
                self._manager.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._manager.kill()
        for pid_file in HOME.glob("builders/*/pid"):
            _end_process(int(pid_file.read_text()))
        if self._postgres is not None:
            self._postgres.end()


def _end_process(pid: int) -> None:
    """End a builder that we started, with everything that it runs."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        give_up = time.monotonic() + 5.0
        while time.monotonic() < give_up and Path(f"/proc/{pid}").exists():
            time.sleep(0.05)
