"""Many builders in a process of their own: `python -m buildfarm.farmtesting.hostile.crowd`.

Beside the layers; for tests/functional/hostile and the benchmark `hostile`. Prints the builders'
URLs as one line of JSON. Each line on standard input, `finish`, ends the builds under way; the
answer is a line with their number. Ends with the end of its input.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver

from buildfarm.commands.reactor import run_in_reactor
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged
from buildfarm.farmtesting.hostile.builder import HostileBuilder, HostileDaemon
from buildfarm.farmtesting.hostile.table import BEHAVIOURS
from buildfarm.vocab.states import BuildOutcome

#: The name of those that behave: their builds fail, which is soon told, when they are `finish`ed.
HEALTHY = "healthy"

#: Seconds for which a build runs that nobody finishes.
_LONG = 100_000.0


def _held(order: Order) -> Script:
    return Script(BuildOutcome.PACKAGEFAIL, _LONG, log=b"a short log\n")


_BEHAVES = Behaviour(name=HEALTHY, does="behaves", judged=Judged.NOBODY, script=_held)


class Crowd:
    """Builders of these behaviours, in turn, `count` in all, at addresses from the `first` on."""

    def __init__(self, reactor: Any, behaviours: Sequence[str], count: int, first: int) -> None:
        self._reactor = reactor
        self._daemons: list[HostileDaemon] = []
        self.urls: list[str] = []
        for number in range(count):
            name = behaviours[number % len(behaviours)]
            behaviour = _BEHAVES if name == HEALTHY else BEHAVIOURS[name]
            builder = HostileBuilder(reactor, behaviour)
            place = first + number
            self.urls.append(builder.listen(f"127.2.{place // 250}.{place % 250 + 1}"))
            self._daemons.append(builder.daemon)

    def finish(self) -> int:
        """End every build under way; how many there were."""
        building = [daemon for daemon in self._daemons if daemon._ends is not None]
        for daemon in building:
            daemon._ends = self._reactor.seconds()
        return len(building)


class _Commands(LineOnlyReceiver):
    delimiter = b"\n"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.over: Deferred[None] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        """End the builds."""
        self.sendLine(b"%d" % self._crowd.finish())  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: object = None) -> None:
        """Whoever started this is gone."""
        self.over.callback(None)


async def _serve(reactor: Any, behaviours: Sequence[str], count: int, first: int) -> None:
    crowd = Crowd(reactor, behaviours, count, first)
    sys.stdout.write(json.dumps(crowd.urls) + "\n")
    sys.stdout.flush()
    commands = _Commands(crowd)
    StandardIO(commands, reactor=reactor)
    await commands.over


class CrowdProcess:
    """A crowd that runs, as whoever started it sees it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.urls: list[str] = json.loads(self._line())

    def finish(self) -> int:
        """End every build under way; how many there were."""
        assert self._process.stdin is not None, "it was started with a pipe"
        self._process.stdin.write(b"finish\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> bytes:
        assert self._process.stdout is not None, "it was started with a pipe"
        return self._process.stdout.readline()


@contextmanager
def running(behaviours: Sequence[str], count: int, first: int = 0) -> Iterator[CrowdProcess]:
    """A crowd in a process that ends with the context."""
    options = [f"--count={count}", f"--first={first}", *behaviours]
    command = [sys.executable, "-m", "buildfarm.farmtesting.hostile.crowd", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield CrowdProcess(process)
        finally:
            process.kill()


def main(arguments: Sequence[str]) -> None:
    """Be a crowd until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("behaviours", nargs="+")
    options = parser.parse_args(arguments)
    run_in_reactor(
        lambda reactor: _serve(reactor, options.behaviours, options.count, options.first)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
