"""`scan`: what one scan of one builder costs the manager in CPU."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import processes
from bench.farm import TREE, Builders, Manager, wait_for
from bench.figures import Figure, at_most, told

BUILDERS = 1000

#: How many of them build, in the second figure.
BUILDING = 500

#: Seconds of each measurement.
_MEASURED = 6.0

#: Seconds before it, in which the farm comes to its steady state.
_SETTLING = 3.0

#: Seconds between two questions to a builder, ours and the peer's; fewer the bound that spares
#: builders does not allow.
_INTERVAL = 0.5

_OFTEN = {"idle_interval": _INTERVAL, "cpu_share": 0.9}

#: A build that outlasts the benchmark, in seconds.
_LONG = 3600.0


def figures() -> list[Figure]:
    """CPU per scan, with every builder idle and with half of them building."""
    with tempfile.TemporaryDirectory(prefix="bench-scan-") as scratch:
        directory = Path(scratch)
        builders = Builders(directory, BUILDERS, processes=2, seconds=_LONG)
        try:
            idle_peer = _peer(builders.urls, _INTERVAL)
            busy_peer = _peer(builders.urls, 0)
            with Manager(directory, {"scanning": _OFTEN}) as manager:
                manager.add_builders(builders.urls)
                idle = _ours(manager, builders)
                for number in range(BUILDING):
                    manager.submit(number)
                wait_for(lambda: len(builders.builds()) == BUILDING, 60, "builds have begun")
                building = _ours(manager, builders)
            building_peer = _peer(builders.urls, _INTERVAL)
        finally:
            builders.close()
    return [
        at_most("scan: CPU per scan, builders idle", "ms", idle, idle_peer, 0.4),
        told("scan: the same, peer without pauses", "ms", idle, busy_peer),
        at_most("scan: CPU per scan, half building", "ms", building, building_peer, 0.4),
    ]


def _ours(manager: Manager, builders: Builders) -> float:
    """Milliseconds of the manager's CPU per scan, for everything that it does meanwhile."""
    time.sleep(_SETTLING)
    scans, cpu = builders.scans(), processes.cpu_seconds(manager.process.pid)
    time.sleep(_MEASURED)
    scans, cpu = builders.scans() - scans, processes.cpu_seconds(manager.process.pid) - cpu
    return 1000 * cpu / scans


def _peer(urls: list[str], interval: float) -> float:
    """The same of the peer, asking each builder at this interval."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.peers.proxies", str(_MEASURED), str(interval)],
        cwd=TREE,
        input=json.dumps(urls).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_MEASURED + 60,
    )
    measured = json.loads(run.stdout)
    return float(1000 * measured["cpu_seconds"] / measured["scans"])
