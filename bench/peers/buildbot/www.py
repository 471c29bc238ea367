"""The Buildbot peer with its web interface: a master with so many workers, some connected."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.farm import wait_for
from bench.peers.buildbot.run import ENVIRONMENT, HERE, twistd
from buildfarm.farmtesting.ports import free_port

#: Workers that are connected; the others are known, as builders that are down would be.
CONNECTED = 64

_DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Web:
    """A running master: its process and the port of its web interface."""

    pid: int
    port: int


@contextmanager
def serving(workers: int) -> Iterator[Web]:
    """A master that has so many workers and always builds on those that are connected."""
    with tempfile.TemporaryDirectory(prefix="bench-buildbot-") as scratch:
        directory = Path(scratch)
        master, worker = directory / "master", directory / "workers"
        worker.mkdir()
        create = [str(ENVIRONMENT / "buildbot"), "create-master", "--quiet", str(master)]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
        listen, www = free_port(), free_port()
        environment = {
            **os.environ,
            "BENCH_WORKERS": str(workers),
            "BENCH_BUILDS": "0",
            "BENCH_MODE": "www",
            "BENCH_BUILD_SECONDS": "4",
            "BENCH_UPLOAD": "",
            "BENCH_REPORT": str(directory / "report.json"),
            "BENCH_LISTEN": f"tcp:{listen}:interface=127.0.0.1",
            "BENCH_WWW": f"tcp:{www}:interface=127.0.0.1",
            "BENCH_CONNECT": f"127.0.0.1:{listen}",
            "BENCH_CONFIG": str(HERE / "master.cfg"),
            "PYTHONPATH": str(HERE.parents[2]),
        }
        some = {**environment, "BENCH_WORKERS": str(CONNECTED)}
        with (
            twistd("master.tac", master, environment) as running,
            twistd("workers.tac", worker, some) as connected,
        ):
            try:
                wait_for(lambda: _known(www) == workers, _DEADLINE, "Buildbot knows its workers")
                yield Web(running.pid, www)
            except BaseException:
                print((master / "peer.log").read_text(errors="replace")[-2000:])
                raise
            finally:
                for process in (running, connected):
                    processes.end(process)


def _known(port: int) -> int:
    """How many workers its web interface has; 0 while that does not answer."""
    time.sleep(0.5)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/workers", timeout=10) as said:
            return int(json.load(said)["meta"]["total"])
    except (OSError, urllib.error.URLError):
        return 0
