"""Simulated builders on loopback addresses, in a process of their own: `python -m bench.builders`.

Prints their URLs as one line of JSON. Then answers each line on standard input with the number of
`status` calls so far, and ends with the end of its input, and so with whoever started it.
"""

import argparse
import functools
import io
import json
import time
import warnings
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.web.client import Agent, readBody

from bench.sources import ARCHITECTURE, VERSION, source_name
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.packages import changes, deb_of, tar
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.vocab.states import BuildOutcome
from buildfarm.wire.builderrpc import Call, Fault, Value

reactor: Any = installed

LOG = b"dpkg-buildpackage: info: a line of the log of a simulated build\n" * 64


@functools.cache
def _payload(size: int) -> bytes:
    return tar({"./usr/share/bench/payload": bytes(size)})


@functools.cache
def results(source: str, size: int) -> dict[str, bytes]:
    """What a build of `source` makes: one package of `size` bytes and its `.changes`."""
    control = (
        f"Package: {source}\nVersion: {VERSION}\nArchitecture: {ARCHITECTURE}\n"
        "Maintainer: Farm <farm@example.com>\nSection: misc\nPriority: optional\n"
        "Description: package of a benchmark\n"
    )
    package = deb_of(tar({"./control": control.encode()}), _payload(size), pack=bytes, suffix="")
    files = {f"{source}_{VERSION}_{ARCHITECTURE}.deb": package}
    stated = changes(
        files, Source=source, Version=VERSION, Binary=source, Architecture=ARCHITECTURE
    )
    return {**files, f"{source}_{VERSION}_{ARCHITECTURE}.changes": stated}


class _CountingDaemon(FakeDaemon):
    scans = 0

    async def call(self, call: Call) -> Value | Fault:
        if call.method == "status":
            _CountingDaemon.scans += 1
        return await super().call(call)


class _Counting(LineOnlyReceiver):
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(b"%d" % _CountingDaemon.scans)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: object = None) -> None:
        if reactor.running:
            reactor.stop()


class _Builds:
    """Scripts each build, and writes when it began and when it really ends."""

    def __init__(self, seconds: float, size: int, events: io.TextIOBase) -> None:
        self.seconds = seconds
        self.size = size
        self.events = events

    def script(self, builder: int, order: Order) -> Script:
        now = time.monotonic()
        event = {"builder": builder, "began": now, "ends": now + self.seconds}
        self.events.write(json.dumps(event) + "\n")
        self.events.flush()
        source = next(name for name in order.files if name.endswith(".dsc")).partition("_")[0]
        made = results(source, self.size) if self.size else {}
        return Script(BuildOutcome.OK, self.seconds, results=made, log=LOG)


def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # readBody's, of a transport of its own
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--prepare", type=int, default=0, help="sources to have results of")
    parser.add_argument("--events", type=Path, required=True)
    options = parser.parse_args()
    for number in range(options.prepare):
        results(source_name(number), options.size)
    agent = Agent(reactor)

    async def fetch(url: str, user: str, password: str) -> bytes:
        return await readBody(await agent.request(b"GET", url.encode()))

    with options.events.open("w") as events:
        builds = _Builds(options.seconds, options.size, events)
        urls = []
        for number in range(options.first, options.first + options.count):
            daemon = _CountingDaemon(reactor, functools.partial(builds.script, number), fetch)
            interface = f"127.1.{number // 250}.{number % 250 + 1}"
            urls.append(SimulatedBuilder(daemon).listen(reactor, interface))
        print(json.dumps(urls), flush=True)
        StandardIO(_Counting(), reactor=reactor)
        reactor.run()


if __name__ == "__main__":
    main()
