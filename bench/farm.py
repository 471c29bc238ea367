"""The manager as it is installed, with simulated builders: each in processes of their own."""

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from bench import processes
from bench.sources import ARCHITECTURE, write_source
from buildfarm.admin.client import NobodyListens, ask, connect
from buildfarm.admin.protocol import Request
from buildfarm.farmtesting.ports import free_port
from demo.make_chroot import make_chroot

TREE = Path(__file__).parents[1]

SUITE = "bookworm"

#: Seconds in which the manager must have started.
_START = 30.0


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once `condition` holds; looks every 2 ms."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.002)


class Builders:
    """`count` simulated builders in `processes` processes; see `bench.builders`."""

    def __init__(
        self,
        directory: Path,
        count: int,
        *,
        processes: int = 1,
        seconds: float,
        spread: float = 0.0,
        size: int = 0,
        prepare: int = 0,
        shared: bool = False,
        first: int = 0,
    ) -> None:
        """`first` numbers them on after those of other processes: it makes their addresses."""
        self._processes = []
        #: The files of events, and how many bytes of each have been read.
        self._events: dict[Path, int] = {}
        self._told: list[dict[str, Any]] = []
        share = count // processes
        for number in range(processes):
            events = directory / f"events-{first}-{number}"
            self._events[events] = 0
            arguments = {
                "count": share,
                "first": first + number * share,
                "seconds": seconds,
                "spread": spread,
                "size": size,
                "prepare": prepare,
                "events": events,
            }
            options = [f"--{name}={value}" for name, value in arguments.items()]
            if shared:
                options.append("--shared")
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.builders", *options],
                    cwd=TREE,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        self.urls: list[str] = []
        for process in self._processes:
            self.urls += json.loads(self._line(process))

    def scans(self) -> int:
        """How many `status` calls they have answered."""
        total = 0
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            total += int(self._line(process))
        return total

    def builds(self) -> list[dict[str, Any]]:
        """The builds that began, in order: `builder`, `began`, `ends` in monotonic seconds."""
        return self.events("began")

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What happened of one kind, in order: `began`, `fetched` or `cleaned`."""
        for path, read in self._events.items():
            with path.open("rb") as told:
                told.seek(read)
                lines = [line for line in told if line.endswith(b"\n")]
            self._events[path] = read + sum(map(len, lines))
            self._told += map(json.loads, lines)
        found = [one for one in self._told if kind in one]
        return sorted(found, key=lambda one: float(one[kind]))

    def close(self) -> None:
        for process in self._processes:
            processes.end(process)

    @staticmethod
    def _line(process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated builders ended; see their message above")
        return line


class Manager:
    """`buildd-manager run` with one archive, published into a directory, and its chroot.

    `settings` are those that have not their defaults, by section. With `report`, the manager is
    probed (`bench.probed`), and writes what the probe has seen there when it ends.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        report: Path | None = None,
    ) -> None:
        self.directory = directory
        self.database_uri = f"sqlite:///{directory}/state/buildd-manager.db"
        self._control = directory / "state" / "control.sock"
        self.archive = directory / "archive"
        self._sources = directory / "sources"
        self._sources.mkdir()
        config = directory / "manager.toml"
        config.write_text(_configuration(settings or {}))
        program = [str(Path(sys.executable).parent / "buildd-manager")]
        options = ["--config", str(config)]
        subprocess.run([*program, *options, "init"], check=True, stdout=subprocess.DEVNULL)
        if report is not None:
            program = [sys.executable, "-m", "bench.probed", str(report)]
        self._command = [*program, *options, "run"]
        self.web_port = int(tomllib.loads(config.read_text())["web"]["listen"].split(":")[1])
        self.start()

    def start(self) -> None:
        """Start the program, and wait for nothing."""
        with (self.directory / "manager.log").open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=TREE, stdout=log, stderr=log)

    def stop(self) -> None:
        """End it as an operator does; running builds go on."""
        processes.end(self.process)

    def __enter__(self) -> Self:
        try:
            wait_for(self._answers, _START, "the manager has started")
            self._furnish()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def ask(self, verb: str, *files: Path, **params: object) -> Any:
        """Have a verb carried out through the control socket."""
        request = Request(verb, params, "bench", tuple(file.name for file in files))
        with ExitStack() as stack:
            streams = [stack.enter_context(file.open("rb")) for file in files]
            return ask(connect(self._control), request, streams, lambda _: None)

    def add_builders(self, urls: Sequence[str], prefix: str = "builder") -> list[str]:
        """Add a builder for each URL; their names."""
        names = [f"{prefix}-{number}" for number in range(len(urls))]
        for name, url in zip(names, urls, strict=True):
            self.ask("builder.add", name=name, url=url, processors=[ARCHITECTURE])
        return names

    def add_archive(self, name: str, uploader: str, path: Path) -> None:
        """Add an archive for `SUITE`, published by `uploader` at or with `path`."""
        self.ask(
            "archive.add",
            name=name,
            distribution="debian",
            suites=[SUITE],
            architectures=[ARCHITECTURE],
            nominated_architecture=ARCHITECTURE,
            uploader=uploader,
            path=str(path),
        )

    def submit(self, number: int, archive: str = "bench") -> None:
        """Queue a build of the source package of this number."""
        self.ask("submit", *write_source(number, self._sources), archive=archive, suite=SUITE)

    def published(self) -> int:
        """How many builds are published."""
        return sum(1 for _ in (self.archive / "incoming").iterdir())

    def states(self) -> dict[str, int]:
        """How many builds are in which state."""
        found: dict[str, int] = {}
        for build in self.ask("build.list", limit=10_000):
            found[build["state"]] = found.get(build["state"], 0) + 1
        return found

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            log = (self.directory / "manager.log").read_text(errors="replace")
            raise RuntimeError(f"the manager ended:\n{log[-2000:]}")
        try:
            connect(self._control).close()
        except NobodyListens:
            return False
        return True

    def _furnish(self) -> None:
        self.add_archive("bench", "directory", self.archive)
        chroot = make_chroot(self.directory / "chroot.tar.gz")
        place = {"distribution": "debian", "series": SUITE, "architecture": ARCHITECTURE}
        self.ask("chroot.set", chroot, **place)


def _configuration(settings: Mapping[str, Mapping[str, object]]) -> str:
    files, web = free_port(), free_port()
    sections: dict[str, dict[str, object]] = {
        "manager": {"state_dir": "state", "min_free_bytes": 1},
        "files": {
            "listen": f"tcp:{files}:interface=127.0.0.1",
            "public_url": f"http://127.0.0.1:{files}",
        },
        "web": {
            "listen": f"tcp:{web}:interface=127.0.0.1",
            "public_url": f"http://127.0.0.1:{web}",
        },
    }
    for name, values in settings.items():
        sections.setdefault(name, {}).update(values)
    lines = []
    for name, values in sections.items():
        # What JSON and TOML write alike: texts, numbers, lists of them.
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"
