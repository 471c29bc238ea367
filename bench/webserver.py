"""A web server that is measured: loads on it, and viewers of its event stream."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench import processes
from bench.farm import TREE

#: A load that lasts until it is ended.
_WITHOUT_END = 3600.0

#: Seconds in which what it has asked for last is answered.
_GRACE = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """A server under load.

    `rate` is how many a second, `cpu` the CPU milliseconds of its process for each, `again` how
    many requests had to be asked again, and `took` the milliseconds of each request by path.
    """

    rate: float
    cpu: float
    again: int
    took: Mapping[str, Sequence[float]]


@dataclass(slots=True)
class Beside:
    """A load beside something else: what it was like, once it has ended. See `Served`."""

    rate: float = 0.0
    again: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """What is asked."""

    pid: int
    port: int

    def under(
        self,
        paths: Sequence[str],
        seconds: float,
        *,
        each: int = 1,
        rate: float = 0.0,
        connections: int = 4,
    ) -> Served:
        """A load of `paths` in turn; what counts as one is so many requests, one after another."""
        cpu = processes.cpu_seconds(self.pid)
        load = self._load(paths, seconds, rate, connections)
        said = json.loads(load.communicate()[0])
        cpu = processes.cpu_seconds(self.pid) - cpu
        count = max(1, said["requests"]) / each
        took = {path: [1000 * one for one in times] for path, times in said["took"].items()}
        return Served(count / max(said["seconds"], 0.001), 1000 * cpu / count, said["again"], took)

    @contextmanager
    def loaded(self, paths: Sequence[str], rate: float) -> Iterator[Beside]:
        """While this is entered, `paths` are asked for: so many a second; 0 is without a limit."""
        load = self._load(paths, _WITHOUT_END, rate, 4)
        beside = Beside()
        try:
            yield beside
        finally:
            load.terminate()
            said = json.loads(load.communicate(timeout=_GRACE)[0])
            beside.rate, beside.again = (
                said["requests"] / max(said["seconds"], 0.001),
                said["again"],
            )

    @contextmanager
    def viewed(self, path: str, count: int) -> Iterator["Viewers"]:
        """While this is entered, so many look at the event stream."""
        options = [f"--port={self.port}", f"--count={count}", path]
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
            yield Viewers(viewers)
        finally:
            processes.end(viewers)

    def _load(
        self, paths: Sequence[str], seconds: float, rate: float, connections: int
    ) -> subprocess.Popen[bytes]:
        options = {
            "port": self.port,
            "seconds": seconds,
            "rate": rate,
            "connections": connections,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        program = [sys.executable, "-m", "bench.webload", *arguments, *paths]
        return subprocess.Popen(program, cwd=TREE, stdout=subprocess.PIPE)


@dataclass(frozen=True, slots=True)
class Viewers:
    """The viewers of an event stream, in their process."""

    process: subprocess.Popen[bytes]

    def events(self) -> int:
        """How many events all of them together have got so far."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())
