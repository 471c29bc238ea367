"""`web`: what people and scripts cost the manager, and what that costs the builds."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import webdispatch, weblarge, webstream
from bench.farm import Builders, Manager
from bench.figures import Figure, at_least, told
from bench.peers.buildbot.www import serving
from bench.webserver import Served, Server

#: Builders, ours and the peer's.
BUILDERS = 1_000

#: Entries in a page of a collection, and so requests for the whole of it: launchpadlib's.
PAGE = 50

#: Seconds that a load lasts, and how often it is repeated, in turns with the peer's.
_SECONDS = 1.5
_ROUNDS = 3

#: Seconds for both to come to rest after their start.
_SETTLING = 5.0

_DEADLINE = 60.0

_LIST = [f"/devel/builders?ws.size={PAGE}&ws.start={start}" for start in range(0, BUILDERS, PAGE)]

#: What is asked for while builds are dispatched: an entry, the index, two pages of builders.
_MIXED = ["/devel/builders/builder-1", "/", *_LIST[:2]]

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


def figures() -> list[Figure]:
    """Requests, the event stream, the latency of dispatch, and the pages of a large farm."""
    with tempfile.TemporaryDirectory(prefix="bench-web-") as scratch:
        directory = Path(scratch)
        prepare = webdispatch.builds()
        builders = Builders(
            directory, BUILDERS, processes=2, seconds=0.2, size=1024, prepare=prepare
        )
        try:
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                ours = Server(manager.process.pid, manager.web_port)
                with serving(BUILDERS) as web:
                    peer = Server(web.pid, web.port)
                    time.sleep(_SETTLING)
                    # First, as long as nothing that requests have left would be taken by viewers.
                    streams = webstream.our_stream(manager, ours), webstream.peer_stream(peer)
                    rows = webstream.figures(*streams)
                    rows += _requests(ours, peer)
                    rows += _launchpadlib(ours)
                # The peer has ended: its builds would take processors from ours.
                rows += webdispatch.figures(manager, builders, ours, _MIXED, webstream.VIEWERS)
        finally:
            builders.close()
    return [*rows, *weblarge.figures()]


def _requests(ours: Server, peer: Server) -> list[Figure]:
    """Each collection in turns, in several rounds; the median of the rounds."""
    # Buildbot loses requests for many of its workers when several of them come at once.
    kinds = {
        "one builder": (["/devel/builders/builder-500"], ["/api/v2/workers/500"], 4),
        f"a page of {PAGE} builders": (_LIST[:1], [f"/api/v2/workers?limit={PAGE}"], 1),
        f"all {BUILDERS:,} builders": (_LIST, ["/api/v2/workers"], 1),
        "the index page": (["/"], ["/", "/api/v2/workers"], 1),
    }
    found: dict[str, list[tuple[Served, Served]]] = {name: [] for name in kinds}
    for _ in range(_ROUNDS):
        for name, (our_paths, peer_paths, connections) in kinds.items():
            mine, theirs = (
                server.under(paths, _SECONDS, each=len(paths), connections=connections)
                for server, paths in ((ours, our_paths), (peer, peer_paths))
            )
            found[name].append((mine, theirs))
    rows = []
    for name, rounds in found.items():
        rate, cpu = (
            [statistics.median(value(one[side]) for one in rounds) for side in (0, 1)]
            for value in (lambda one: one.rate, lambda one: one.cpu)
        )
        rows.append(at_least(f"web: {name}", "requests/s", *rate, 2.0))
        rows.append(told(f"web: {name}, CPU", "ms", *cpu))
    again = [sum(one[side].again for rounds in found.values() for one in rounds) for side in (0, 1)]
    return [*rows, told("web: requests that had to be asked again", "", *again)]


def _launchpadlib(ours: Server) -> list[Figure]:
    """A real client, most of whose time is its own."""
    arguments = [sys.executable, "-c", _SCRIPT, str(ours.port), str(BUILDERS)]
    took = []
    for _ in range(_ROUNDS):
        said = subprocess.run(
            arguments, check=True, capture_output=True, text=True, timeout=_DEADLINE
        )
        took.append(float(said.stdout))
    name = f"web: list(lp.builders) of {BUILDERS:,}"
    return [told(name, "s", statistics.median(took), None)]
