"""Restarts the Buildbot peer with a long queue."""

import json
import os
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench import processes
from bench.farm import wait_for
from bench.peers.buildbot.run import ENVIRONMENT, HERE, twistd
from buildfarm.farmtesting.ports import free_port

#: Seconds after which a run is given up.
_DEADLINE = 90


def restart(workers: int, pending: int) -> float:
    """Seconds from the start of a master, with so many pending, until all `workers` build.

    The workers are started as soon as it listens.
    """
    with tempfile.TemporaryDirectory(prefix="bench-buildbot-") as scratch:
        directory = Path(scratch)
        master, worker = directory / "master", directory / "workers"
        worker.mkdir()
        report = directory / "report.json"
        create = [str(ENVIRONMENT / "buildbot"), "create-master", "--quiet", str(master)]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        environment = _environment(workers, report, port)
        with twistd("master.tac", master, {**environment, "BENCH_MODE": "queue"}) as queueing:
            _await_end(queueing)
        _multiply(master / "state.sqlite", pending)
        begun = time.monotonic()
        with twistd("master.tac", master, {**environment, "BENCH_MODE": "restart"}) as running:
            wait_for(lambda: _listens(port), _DEADLINE, "Buildbot's master listens")
            with twistd("workers.tac", worker, environment) as connected:
                _await_end(running, connected)
        if not report.exists():
            log = (master / "peer.log").read_text(errors="replace")
            raise RuntimeError(f"Buildbot did not report; the end of its log:\n{log[-2000:]}")
        return float(json.loads(report.read_text())["last"]) - begun


def _environment(workers: int, report: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "BENCH_WORKERS": str(workers),
        "BENCH_BUILDS": "1",
        "BENCH_BUILD_SECONDS": "3600",
        "BENCH_UPLOAD": "",
        "BENCH_REPORT": str(report),
        "BENCH_LISTEN": f"tcp:{port}:interface=127.0.0.1",
        "BENCH_CONNECT": f"127.0.0.1:{port}",
        "BENCH_CONFIG": str(HERE / "master.cfg"),
        "PYTHONPATH": str(HERE.parents[2]),
    }


def _multiply(database: Path, pending: int) -> None:
    """Copy the one build request that is pending, with all that belongs to it."""
    with closing(sqlite3.connect(database)) as connection:
        for table in ("buildsets", "buildset_sourcestamps", "buildrequests"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            copied = ["n" if name in ("id", "buildsetid") else name for name in columns]
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                "WITH RECURSIVE number(n) AS "
                f"(SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < {pending}) "
                f"SELECT {', '.join(copied)} FROM {table} CROSS JOIN number"
            )
        connection.commit()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _await_end(master: subprocess.Popen[bytes], *others: subprocess.Popen[bytes]) -> None:
    """Return when the master has ended, by itself or in the end by us; the others end then."""
    try:
        master.wait(_DEADLINE)
    finally:
        for process in (master, *others):
            processes.end(process)
