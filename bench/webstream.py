"""What the viewers of an event stream cost: memory, and CPU for each change that they are told."""

import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection

from bench import processes
from bench.farm import Manager
from bench.figures import Figure, told
from bench.webserver import Server

#: Those who look on.
VIEWERS = 200

#: Changes a second: a builder is taken out of service, or put back.
CHANGES = 20.0

#: Seconds of each measurement, and how often it is repeated, in turns with the peer's.
SECONDS = 2.0
ROUNDS = 3

#: Builders that are changed in turn.
_CHANGED = 20

#: Seconds in which every change has been told: ours tells once a second what has changed.
_TOLD = 1.5


@dataclass(frozen=True, slots=True)
class Stream:
    """An event stream, at `path` of its server; `change(n)` makes the n-th change."""

    server: Server
    path: str
    change: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Viewed:
    """What all viewers took: `memory` in KiB for each, `cpu` in ms for each second with changes.

    `events` were delivered for `changes`.
    """

    memory: float
    cpu: float
    events: int
    changes: int


def our_stream(manager: Manager, server: Server, name: str = "builder-{}") -> Stream:
    """Builders are disabled and enabled."""

    def change(number: int) -> None:
        builder, out = number % _CHANGED, number // _CHANGED % 2 == 0
        manager.ask(
            "builder.set",
            name=name.format(builder),
            changes={"builderok": not out, "failnotes": "looked at" if out else None},
        )

    return Stream(server, "/+events", change)


def peer_stream(server: Server) -> Stream:
    """Workers are paused and unpaused, as its page does it."""

    def change(number: int) -> None:
        worker, out = number % _CHANGED + 1, number // _CHANGED % 2 == 0
        asked = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "pause" if out else "unpause",
            "params": {"reason": "looked at"} if out else {},
        }
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/api/v2/workers/{worker}", json.dumps(asked), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"Buildbot paused no worker: {answer.read()!r}")
        answer.read()
        connection.close()

    return Stream(server, "/sse/listen/workers/*/state_updated", change)


def figures(ours: Stream, peer: Stream) -> list[Figure]:
    """For the reader: the issue bounds the requests, not the viewers."""
    rounds = [(viewed(ours), viewed(peer)) for _ in range(ROUNDS)]
    # What viewers leave, the next ones take: the first have to be given all of theirs.
    memory = [rounds[0][side].memory for side in (0, 1)]
    cpu, event, change = (
        [statistics.median(value(one[side]) for one in rounds) for side in (0, 1)]
        for value in (
            lambda one: one.cpu,
            lambda one: 1000 * one.cpu * SECONDS / max(1, one.events),
            lambda one: 1000 * one.cpu * SECONDS / max(1, one.changes * VIEWERS),
        )
    )
    delivered = [rounds[0][side].events / rounds[0][side].changes / VIEWERS for side in (0, 1)]
    name = f"web: {VIEWERS} viewers, {CHANGES:.0f} changes/s"
    return [
        told(f"web: {VIEWERS} viewers, memory of each", "KiB", *memory),
        told(f"{name}, CPU", "ms/s", *cpu),
        told(f"{name}, CPU per change and viewer", "µs", *change),
        told(f"{name}, CPU per event delivered", "µs", *event),
        told(f"{name}, events delivered per change and viewer", "", *delivered),
    ]


def viewed(stream: Stream) -> Viewed:
    """The same changes without viewers and with them: what is more, the viewers take."""
    pid = stream.server.pid
    numbers = itertools.count()
    alone, _ = _changing(stream, numbers)
    before = processes.memory(pid)
    with stream.server.viewed(stream.path, VIEWERS) as viewers:
        time.sleep(_TOLD)
        had = viewers.events()
        beside, changes = _changing(stream, numbers)
        grown = (processes.memory(pid) - before) / 1024 / VIEWERS
        events = viewers.events() - had
    # Everybody is in service again.
    for number in itertools.takewhile(lambda one: one % (2 * _CHANGED), numbers):
        stream.change(number)
    return Viewed(grown, max(0.0, beside - alone), events, changes)


def _changing(stream: Stream, numbers: "itertools.count[int]") -> tuple[float, int]:
    """CPU milliseconds a second while changes are made and told, and how many were made."""
    begun, changes = time.monotonic(), 0
    before = processes.cpu_seconds(stream.server.pid)
    while time.monotonic() - begun < SECONDS:
        stream.change(next(numbers))
        changes += 1
        time.sleep(max(0.0, begun + changes / CHANGES - time.monotonic()))
    time.sleep(_TOLD)
    spent = processes.cpu_seconds(stream.server.pid) - before
    return 1000 * spent / SECONDS, changes
