"""Runs the Buildbot peer: a master and its workers, in an environment of their own.

`make bench` installs that environment in .venvs/buildbot from requirements/buildbot.lock.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from buildfarm.farmtesting.ports import free_port

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[2] / ".venvs" / "buildbot" / "bin"

#: Seconds after which a run is given up.
_DEADLINE = 240


@dataclass(frozen=True, slots=True)
class BuildbotRun:
    """What a run measured: `waits` are seconds, `cpu_seconds` the master's.

    `ticks` are those of `bench.probe` in the master's reactor, `window` the time that counts.
    """

    builds: int
    seconds: float
    cpu_seconds: float
    waits: tuple[float, ...]
    ticks: tuple[tuple[float, float], ...] = ()
    window: tuple[float, float] = (0.0, 0.0)


def run(
    mode: str,
    workers: int,
    builds: int,
    build_seconds: float = 0.0,
    size: int = 1024 * 1024,
) -> BuildbotRun:
    """Have `builds` built by `workers`.

    `mode` is `throughput` (with an upload of `size` bytes each), `stall` (the same, with the probe
    in the master), `idle` (one at a time, each queued when nothing runs) or `backlog` (all queued
    at once, each lasting `build_seconds`).
    """
    with tempfile.TemporaryDirectory(prefix="bench-buildbot-") as scratch:
        directory = Path(scratch)
        report = directory / "report.json"
        upload = directory / "upload.bin"
        upload.write_bytes(os.urandom(size))
        master, worker = directory / "master", directory / "workers"
        worker.mkdir()
        subprocess.run(
            [ENVIRONMENT / "buildbot", "create-master", "--quiet", master],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        port = free_port()
        environment = {
            **os.environ,
            "BENCH_WORKERS": str(workers),
            "BENCH_BUILDS": str(builds),
            "BENCH_MODE": mode,
            "BENCH_BUILD_SECONDS": str(build_seconds),
            "BENCH_UPLOAD": str(upload),
            "BENCH_REPORT": str(report),
            "BENCH_LISTEN": f"tcp:{port}:interface=127.0.0.1",
            "BENCH_CONNECT": f"127.0.0.1:{port}",
            "BENCH_CONFIG": str(HERE / "master.cfg"),
            "PYTHONPATH": str(HERE.parents[2]),
        }
        with (
            twistd("master.tac", master, environment) as running,
            twistd("workers.tac", worker, environment) as workers_running,
        ):
            try:
                running.wait(_DEADLINE)
            finally:
                for process in (running, workers_running):
                    processes.end(process)
        if not report.exists():
            log = (master / "peer.log").read_text(errors="replace")
            raise RuntimeError(f"Buildbot did not report; the end of its log:\n{log[-2000:]}")
        figures = json.loads(report.read_text())
        return BuildbotRun(
            builds=figures["builds"],
            seconds=figures["seconds"],
            cpu_seconds=figures["cpu_seconds"],
            waits=tuple(figures["waits"]),
            ticks=tuple(map(tuple, figures["ticks"])),
            window=(figures["begun"], figures["begun"] + figures["seconds"]),
        )


def twistd(tac: str, directory: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start one of our services of Buildbot in `directory`, its log in `peer.log` there."""
    with (directory / "peer.log").open("wb") as log:
        return subprocess.Popen(
            [ENVIRONMENT / "twistd", "--pidfile=", "-noy", HERE / tac],
            cwd=directory,
            env={**environment, "BENCH_DIRECTORY": str(directory)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
