"""Virtual machines for fake daemons: what the reset command of a test does, and what it must not.

Beside the layers; for tests/functional/restarts.

The command leaves a file named MACHINE.PID and ends when that file is gone. The watch, in the
test's process, resets the daemon and removes the file after `seconds`. So a reset that outlives its
manager goes on as a real one does, and everybody can see who is at work on which machine.
"""

from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall

from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.procfs import is_running

_SCRIPT = """#!/bin/sh
# reset MACHINE: ask for its reset and wait until it is done.
set -e
echo "resetting $1"
: > "{requests}/$1.$$"
while [ -e "{requests}/$1.$$" ]; do sleep 0.05; done
"""

_POLL = 0.01


class ResetWatch:
    """Resets the daemons in `machines`. `offences` are sentences about what was done wrong."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        self.seconds = 0.1
        self.machines: dict[str, FakeDaemon] = {}
        self.offences: list[str] = []
        #: How many resets were asked for, by machine.
        self.counts: dict[str, int] = {}
        self.command = directory / "reset"
        self._requests = directory / "resets"
        self._requests.mkdir()
        self.command.write_text(_SCRIPT.format(requests=self._requests))
        self.command.chmod(0o755)
        self._reactor = reactor
        self._seen: dict[Path, float] = {}
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor

    def start(self) -> None:
        """Watch for requests until `stop`."""
        self._loop.start(_POLL)

    def stop(self) -> None:
        """Reset nothing more."""
        self._loop.stop()

    def under_way(self, machine: str) -> list[int]:
        """The ids of the living reset commands of a machine."""
        found = [int(path.suffix[1:]) for path in self._requests.glob(f"{machine}.*")]
        return [pid for pid in found if is_running(pid)]

    def _look(self) -> None:
        for request in self._requests.iterdir():
            machine = request.stem
            if request not in self._seen:
                self._seen[request] = self._reactor.seconds()
                self.counts[machine] = self.counts.get(machine, 0) + 1
                if len(self.under_way(machine)) > 1:
                    self.offences.append(f"{machine} was reset while a reset of it was under way")
            if self._reactor.seconds() >= self._seen[request] + self.seconds:
                self.machines[machine].reset()
                request.unlink()
