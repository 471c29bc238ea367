"""`build`: what one build costs the manager in CPU, and how many it gets through."""

import tempfile
import time
from pathlib import Path

from bench import processes
from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, at_least, at_most, told
from bench.peers.buildbot.run import run

BUILDERS = 64
BUILDS = 500

#: Builds before the measured ones: the farm has a history, and its upload children run.
WARM_UP = 64

RESULT_SIZE = 1024 * 1024

PEER_BUILDS = 200

#: Seconds in which they must have been published.
_DEADLINE = 180.0


def figures() -> list[Figure]:
    """CPU per build, children included, and builds per second."""
    seconds, cpu, own_cpu = _ours()
    peer = run("throughput", BUILDERS, PEER_BUILDS)
    peer_cpu = 1000 * peer.cpu_seconds / peer.builds
    return [
        at_most("build: CPU per build, with children", "ms", cpu, peer_cpu, 0.1),
        told("build: CPU per build, manager's process", "ms", own_cpu, peer_cpu),
        at_least("build: rate", "builds/s", BUILDS / seconds, peer.builds / peer.seconds, 10),
    ]


def _ours() -> tuple[float, float, float]:
    """Seconds for all builds; milliseconds of CPU per build, with and without children."""
    with tempfile.TemporaryDirectory(prefix="bench-build-") as scratch:
        directory = Path(scratch)
        builders = Builders(
            directory,
            BUILDERS,
            processes=2,
            seconds=0.0,
            size=RESULT_SIZE,
            prepare=WARM_UP + BUILDS,
        )
        try:
            with Manager(directory) as manager:
                names = manager.add_builders(builders.urls)
                _build(manager, names, range(WARM_UP), published=WARM_UP)
                return _build(
                    manager, names, range(WARM_UP, WARM_UP + BUILDS), published=WARM_UP + BUILDS
                )
        finally:
            builders.close()


def _build(
    manager: Manager, names: list[str], numbers: range, published: int
) -> tuple[float, float, float]:
    """Queue all builds, then let the builders take them."""
    for name in names:
        manager.ask("builder.set", name=name, changes={"manual": True})
    for number in numbers:
        manager.submit(number)
    pid = manager.process.pid
    begun, own, tree = time.monotonic(), *_cpu(pid)
    for name in names:
        manager.ask("builder.set", name=name, changes={"manual": False})
    wait_for(lambda: manager.published() == published, _DEADLINE, f"{len(numbers)} published")
    seconds = time.monotonic() - begun
    time.sleep(0.3)  # for what is done after the last is public
    own, tree = (after - before for after, before in zip(_cpu(pid), (own, tree), strict=True))
    states = manager.states()
    if states != {"FULLYBUILT": published}:
        raise RuntimeError(f"not every build ended as it should: {states}")
    return seconds, 1000 * tree / len(numbers), 1000 * own / len(numbers)


def _cpu(pid: int) -> tuple[float, float]:
    return processes.cpu_seconds(pid), processes.cpu_seconds_of_tree(pid)
