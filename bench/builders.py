"""Simulated builders on loopback addresses, in a process of their own: `python -m bench.builders`.

Prints their URLs as one line of JSON. Then answers each line on standard input with the number of
`status` calls so far, and ends with the end of its input, and so with whoever started it.

What happens to the builders is written to the file of `--events`, a line of JSON each, times in
monotonic seconds: `began` and `ends` of a build, `fetched` when a result is asked for, `cleaned`
when the builder is told to forget it.
"""

import argparse
import functools
import io
import json
import random
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


@functools.cache
def shared_result(size: int) -> dict[str, bytes]:
    """One large file that is no package; all builds of this process make the same, kept once."""
    part = random.Random(size).randbytes(min(size, 1024 * 1024))
    return {"result.bin": part * (size // len(part))}


class _Events:
    """The file that is told what happens to the builders."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream

    def tell(self, builder: int, **times: float) -> None:
        self._stream.write(json.dumps({"builder": builder, **times}) + "\n")
        self._stream.flush()


class _WatchedDaemon(FakeDaemon):
    scans = 0

    def __init__(self, number: int, events: _Events, size: int, **options: Any) -> None:
        super().__init__(reactor, **options)
        self._number = number
        self._events = events
        self._size = size

    async def call(self, call: Call) -> Value | Fault:
        if call.method == "status":
            _WatchedDaemon.scans += 1
        elif call.method == "clean":
            self._events.tell(self._number, cleaned=time.monotonic())
        return await super().call(call)

    async def file(self, name: str) -> bytes | None:
        if name == "shared":  # for whoever fetches the same bytes without a build
            return next(iter(shared_result(self._size).values()))
        if name != "buildlog":
            self._events.tell(self._number, fetched=time.monotonic())
        return await super().file(name)


class _Counting(LineOnlyReceiver):
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(b"%d" % _WatchedDaemon.scans)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: object = None) -> None:
        if reactor.running:
            reactor.stop()


class _Builds:
    """Scripts each build, and tells when it began and when it really ends."""

    def __init__(self, options: argparse.Namespace, events: _Events) -> None:
        self._options = options
        self._events = events
        self._random = random.Random(options.first)

    def script(self, builder: int, order: Order) -> Script:
        now = time.monotonic()
        spread = self._options.spread
        seconds = self._options.seconds * self._random.uniform(1 - spread, 1 + spread)
        self._events.tell(builder, began=now, ends=now + seconds)
        source = next(name for name in order.files if name.endswith(".dsc")).partition("_")[0]
        made: dict[str, bytes] = {}
        if self._options.shared:
            made = shared_result(self._options.size)
        elif self._options.size:
            made = results(source, self._options.size)
        return Script(BuildOutcome.OK, seconds, results=made, log=LOG)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--spread", type=float, default=0.0, help="part by which that varies")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--prepare", type=int, default=0, help="sources to have results of")
    parser.add_argument("--shared", action="store_true", help="every build makes the same file")
    parser.add_argument("--events", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # readBody's, of a transport of its own
    options = _options()
    for number in range(options.prepare):
        results(source_name(number), options.size)
    agent = Agent(reactor)

    async def fetch(url: str, user: str, password: str) -> bytes:
        return await readBody(await agent.request(b"GET", url.encode()))

    with options.events.open("w") as stream:
        events = _Events(stream)
        builds = _Builds(options, events)
        urls = []
        for number in range(options.first, options.first + options.count):
            script = functools.partial(builds.script, number)
            daemon = _WatchedDaemon(number, events, options.size, script=script, fetch=fetch)
            interface = f"127.1.{number // 250}.{number % 250 + 1}"
            urls.append(SimulatedBuilder(daemon).listen(reactor, interface))
        print(json.dumps(urls), flush=True)
        StandardIO(_Counting(), reactor=reactor)
        reactor.run()


if __name__ == "__main__":
    main()
