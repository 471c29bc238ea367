"""`web`: what people and scripts cost the manager, and what that costs the builds."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.farm import TREE, Builders, Manager, wait_for
from bench.figures import Figure, at_least, at_most, percentile, told, under
from bench.peers.buildbot.www import serving
from bench.restart import fill, furnish

#: Builders, ours and the peer's.
BUILDERS = 1_000

#: Entries in a page of a collection, and so requests for the whole of it: launchpadlib's.
PAGE = 50

#: Seconds that a load lasts, and how often it is repeated, in turns with the peer's.
_SECONDS = 3.0
_ROUNDS = 3

#: Those who look at the event stream.
VIEWERS = 200

#: The load beside which builds are dispatched: requests a second, as many as Buildbot serves pages.
_BESIDE = 50.0

#: Builds that are dispatched with and without that load.
_BUILDS = 60

#: A farm whose index page is asked for now and then.
_LARGE, _WAITING = 2_000, 100_000

_DEADLINE = 60.0

_LIST = [f"/devel/builders?ws.size={PAGE}&ws.start={start}" for start in range(0, BUILDERS, PAGE)]

#: launchpadlib itself, as a script uses it.
_SCRIPT = """
import sys, tempfile, time
from launchpadlib.launchpad import Launchpad
lp = Launchpad.login_anonymously(
    "bench", f"http://127.0.0.1:{sys.argv[1]}/", tempfile.mkdtemp(), version="devel")
begun = time.monotonic()
assert len(list(lp.builders)) == int(sys.argv[2])
print(time.monotonic() - begun)
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server under load: how many a second, and CPU milliseconds of its process for each."""

    rate: float
    cpu: float
    worst: float


@dataclass(frozen=True, slots=True)
class Server:
    """What is asked."""

    pid: int
    port: int

    def under(
        self, paths: Sequence[str], *, each: int = 1, rate: float = 0.0, connections: int = 4
    ) -> Served:
        """A load of `paths` in turn; what counts as one is so many requests, one after another."""
        cpu = processes.cpu_seconds(self.pid)
        said = json.loads(_load(self.port, paths, _SECONDS, rate, connections).communicate()[0])
        cpu = processes.cpu_seconds(self.pid) - cpu
        count = said["requests"] / each
        return Served(count / said["seconds"], 1000 * cpu / count, 1000 * said["worst"])


def figures() -> list[Figure]:
    """Requests, the event stream, the latency of dispatch, and the index of a large farm."""
    with tempfile.TemporaryDirectory(prefix="bench-web-") as scratch:
        directory = Path(scratch)
        builders = Builders(directory, BUILDERS, processes=2, seconds=0.2, size=1024, prepare=300)
        try:
            with Manager(directory) as manager, serving(BUILDERS) as peer:
                manager.add_builders(builders.urls)
                ours = Server(manager.process.pid, manager.web_port)
                rows = _requests(ours, Server(peer.pid, peer.port))
                rows += _launchpadlib(ours)
                rows += _viewers(ours, Server(peer.pid, peer.port))
                rows += _dispatch(manager, builders, ours)
        finally:
            builders.close()
    return [*rows, *_large()]


def _requests(ours: Server, peer: Server) -> list[Figure]:
    rows = []
    # Buildbot loses requests for all of its workers when several of them come at once.
    kinds = (
        ("one builder", ["/devel/builders/builder-500"], ["/api/v2/workers/500"], 4),
        (f"a page of {PAGE} builders", _LIST[:1], [f"/api/v2/workers?limit={PAGE}"], 4),
        (f"all {BUILDERS:,} builders", _LIST, ["/api/v2/workers"], 1),
        ("the index page", ["/"], ["/", "/api/v2/workers"], 1),
    )
    for name, our_paths, peer_paths, connections in kinds:
        found: list[tuple[Served, Served]] = []
        for _ in range(_ROUNDS):
            mine = ours.under(our_paths, each=len(our_paths), connections=connections)
            theirs = peer.under(peer_paths, each=len(peer_paths), connections=connections)
            found.append((mine, theirs))
        rate, peer_rate, cpu, peer_cpu = (
            statistics.median(values)
            for values in zip(*[(a.rate, b.rate, a.cpu, b.cpu) for a, b in found], strict=True)
        )
        rows.append(at_least(f"web: {name}", "requests/s", rate, peer_rate, 2.0))
        rows.append(told(f"web: {name}, CPU", "ms", cpu, peer_cpu))
    return rows


def _launchpadlib(ours: Server) -> list[Figure]:
    """A real client, most of whose time is its own."""
    arguments = [sys.executable, "-c", _SCRIPT, str(ours.port), str(BUILDERS)]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=_DEADLINE)
    return [told(f"web: list(lp.builders) of {BUILDERS:,}", "s", float(said.stdout), None)]


def _viewers(ours: Server, peer: Server) -> list[Figure]:
    """What they take, who look at the event stream, while nothing is built and nobody asks."""
    rows = []
    grown, cpu = _viewed(ours, "/+events")
    peer_grown, peer_cpu = _viewed(peer, "/sse/listen/builds/*/*")
    rows.append(told(f"web: {VIEWERS} viewers, memory of each", "KiB", grown, peer_grown))
    rows.append(told(f"web: {VIEWERS} viewers, CPU", "ms/s", cpu, peer_cpu))
    return rows


def _viewed(server: Server, path: str) -> tuple[float, float]:
    """KiB that each of the viewers takes, and milliseconds of CPU in a second more than without."""
    quiet = _cpu_per_second(server)
    before = processes.memory(server.pid)
    with _viewing(server, path):
        busy = _cpu_per_second(server)
        grown = (processes.memory(server.pid) - before) / 1024 / VIEWERS
    return grown, max(0.0, busy - quiet)


def _cpu_per_second(server: Server) -> float:
    before, begun = processes.cpu_seconds(server.pid), time.monotonic()
    time.sleep(_SECONDS)
    return 1000 * (processes.cpu_seconds(server.pid) - before) / (time.monotonic() - begun)


@contextmanager
def _viewing(server: Server, path: str) -> Iterator[None]:
    """All the viewers, looking."""
    options = [f"--port={server.port}", f"--count={VIEWERS}", path]
    viewers = subprocess.Popen(
        [sys.executable, "-m", "bench.webviewers", *options],
        cwd=TREE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert viewers.stdout is not None
        if viewers.stdout.readline() != b"ready\n":
            raise RuntimeError("The viewers see nothing.")
        yield
    finally:
        processes.end(viewers)


def _dispatch(manager: Manager, builders: Builders, ours: Server) -> list[Figure]:
    """Queue → started, in turns without the load and with it."""
    alone: list[float] = []
    beside: list[float] = []
    paths = ["/devel/builders/builder-1", "/", *_LIST[:2]]
    for turn in range(4):
        first = turn * _BUILDS // 2
        if turn % 2 == 0:
            alone += _waits(manager, builders, first)
            continue
        with _viewing(ours, "/+events"):
            load = _load(ours.port, paths, _DEADLINE, _BESIDE, 4)
            try:
                beside += _waits(manager, builders, first)
            finally:
                processes.end(load)
    name = f"web: queue → started, beside {_BESIDE:.0f} requests/s and {VIEWERS} viewers"
    medians, worst = (
        [percentile(waits, part) for waits in (beside, alone)] for part in (0.5, 0.99)
    )
    return [
        told(f"{name}, median", "ms", *medians),
        at_most(f"{name}, p99", "ms", *worst, 1.2),
    ]


def _waits(manager: Manager, builders: Builders, first: int) -> list[float]:
    waits = []
    for number in range(first, first + _BUILDS // 2):
        time.sleep(0.2)
        begun = len(builders.builds())
        submitted = time.monotonic()
        manager.submit(number)
        wait_for(lambda begun=begun: len(builders.builds()) > begun, _DEADLINE, "it is begun")
        waits.append(1000 * (builders.builds()[-1]["began"] - submitted))
    return waits


def _large() -> list[Figure]:
    """The index page of a large farm at work, asked for so seldom that it is made each time."""
    with tempfile.TemporaryDirectory(prefix="bench-web-") as scratch:
        directory = Path(scratch)
        builders = Builders(directory, _LARGE, processes=4, seconds=3600.0)
        try:
            with Manager(directory) as manager:
                furnish(manager, directory, builders.urls)
                fill(manager.database_uri, builders.urls, _WAITING)
                manager.start()
                begun = lambda: len(builders.builds()) >= _LARGE  # noqa: E731 - a condition
                wait_for(begun, _DEADLINE, "all builders have builds")
                time.sleep(2.0)
                ours = Server(manager.process.pid, manager.web_port)
                waits = [ours.under(["/"], rate=0.5, connections=1).worst for _ in range(5)]
                scraped = ours.under(["/metrics"], rate=0.5, connections=1).worst
        finally:
            builders.close()
    name = f"web: {_LARGE:,} builders, {_WAITING:,} waiting"
    return [
        under(f"{name}, index page, median", "ms", statistics.median(waits), None, 100.0),
        told(f"{name}, index page, slowest", "ms", max(waits), None),
        under(f"{name}, /metrics", "ms", scraped, None, 20.0),
    ]


def _load(
    port: int, paths: Sequence[str], seconds: float, rate: float, connections: int
) -> subprocess.Popen[bytes]:
    options = {"port": port, "seconds": seconds, "rate": rate, "connections": connections}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    program = [sys.executable, "-m", "bench.webload", *arguments, *paths]
    return subprocess.Popen(program, cwd=TREE, stdout=subprocess.PIPE)
