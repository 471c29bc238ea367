"""Reference builders as processes of their own, each on a free port of 127.0.0.1.

Beside the layers; for functional tests and benchmarks. Its own test is in
`tests/functional/refbuilder/test_service.py`.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from fixtures import Fixture
from testtools.content import text_content

from buildfarm.farmtesting.strayprocesses import kill_processes_in

#: Seconds that a builder may take to start or to end.
_DEADLINE = 30.0

_LISTENING = re.compile(r"listening at http://127\.0\.0\.1:(\d+)")


class RefBuilderProcess:
    """One `buildd-refbuilder` in `workdir`. Started again, it listens on the port it had."""

    def __init__(self, name: str, workdir: Path, architecture: str | None = None) -> None:
        self.name = name
        self.workdir = workdir
        #: What it has written to standard error so far.
        self.log = ""
        self._architecture = architecture
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self._listening = threading.Event()

    @property
    def url(self) -> str:
        """The builder's URL, as a roster has it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The id of the daemon's process."""
        assert self._process is not None, "start() comes first"
        return self._process.pid

    def start(self) -> None:
        """Start it, without waiting."""
        command = [str(Path(sys.executable).with_name("buildd-refbuilder"))]
        command += ["--name", self.name, "--workdir", str(self.workdir)]
        command += ["--listen", f"tcp:{self._port}:interface=127.0.0.1"]
        command += ["--arch", self._architecture] if self._architecture else []
        self.workdir.mkdir(parents=True, exist_ok=True)
        self._listening = threading.Event()
        self._process = subprocess.Popen(
            command,
            cwd=self.workdir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stderr is not None
        reading = [self._process.stderr, self._listening]
        threading.Thread(target=self._read, args=reading, daemon=True).start()

    def wait(self) -> None:
        """Return once it listens. Blocks; raises RuntimeError, with its log, where it does not."""
        if not self._listening.wait(_DEADLINE) or self._process_ended:
            raise RuntimeError(f"The builder {self.name} does not listen:\n{self.log}")

    @property
    def _process_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to the daemon's process alone and wait for its end: its exit status."""
        os.kill(self.pid, number)
        assert self._process is not None
        return self._process.wait(_DEADLINE)

    def end(self) -> None:
        """Kill the daemon and all that works in its directory."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_DEADLINE)
        kill_processes_in(self.workdir)

    def _read(self, stderr: IO[str], listening: threading.Event) -> None:
        """In a thread: keep what is written, so that the pipe never fills; one for each start."""
        with stderr:
            for line in stderr:
                self.log += line
                if found := _LISTENING.search(line):
                    self._port = int(found[1])
                    listening.set()
        listening.set()  # it has ended; nobody needs to wait further


class RefBuilders(Fixture):
    """`count` reference builders in directories below `root`, ready once this is set up.

    Set-up blocks for about a second. At clean-up they are killed with all that they started.
    """

    def __init__(self, root: Path, count: int = 1, architecture: str | None = None) -> None:
        super().__init__()
        self.builders = [
            RefBuilderProcess(f"ref{number}", root / f"ref{number}", architecture)
            for number in range(count)
        ]

    def _setUp(self) -> None:
        for builder in self.builders:
            self.addCleanup(self._end, builder)
            builder.start()
        for builder in self.builders:
            builder.wait()

    def _end(self, builder: RefBuilderProcess) -> None:
        builder.end()
        self.addDetail(f"log of {builder.name}", text_content(builder.log[-20000:]))
