"""Programs that the manager starts: the reset commands of virtual builders, simulated.

Beside the layers. Tests: tests/unit/simulation.

The manager's own code runs up to the moment at which a process would be forked. A simulated program
then holds the lock that a real one would inherit, prints into the same pipe, and ends when the seed
says; it outlives a manager that is killed.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.python.failure import Failure

from buildfarm.simulation.world import Happening, World

#: Process ids that no kernel gives out, so that a signal to one of them reaches nobody.
_FIRST_PID = 1 << 30

#: Seconds after which a program that hangs, and whose manager was killed, is ended. A manager would
#: find and kill it by its process id after the deadline of resets, which is a little longer; here
#: there is no such process.
_ORPHAN = 100.0

#: Descriptors of a program: what it prints to, the other end of that, and its lock.
_OUTPUT, _READER, _LOCK = 1, 3, 4


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a program: it ends after `seconds` with this status; None: never by itself.

    `effect` is what it has done by then, unless it was killed before.
    """

    seconds: float | None
    exit_code: int
    output: str
    effect: Callable[[], None]


class Processes:
    """Starts programs; `decide` says what becomes of one that is started with these arguments."""

    def __init__(self, world: World, decide: Callable[[Sequence[str]], Ending]) -> None:
        self._world = world
        self._decide = decide
        self._running: dict[Process, None] = {}

    @property
    def locks_held(self) -> frozenset[int]:
        """The descriptors of locks that belong to running programs and not to the manager."""
        return frozenset(process.lock for process in self._running if process.lock is not None)

    def start(
        self,
        protocol: Any,
        arguments: Sequence[str],
        descriptors: Mapping[int, int],
        parent_lives: Callable[[], bool],
    ) -> None:
        """Start a program that reports to `protocol` while its parent lives."""
        process = Process(self, self._world, protocol, descriptors, parent_lives)
        self._running[process] = None
        process.begin(self._decide(arguments))

    def parent_killed(self) -> None:
        """The manager was killed: its ends of pipes are closed; the programs go on."""
        for process in self._running:
            process.be_orphaned()

    def forget(self, process: "Process") -> None:
        """`process` has ended."""
        del self._running[process]


class Process:
    """One running program; the transport of its protocol."""

    def __init__(
        self,
        processes: Processes,
        world: World,
        protocol: Any,
        descriptors: Mapping[int, int],
        parent_lives: Callable[[], bool],
    ) -> None:
        self._processes = processes
        self._world = world
        self._protocol = protocol
        self._parent_lives = parent_lives
        self._output: int | None = os.dup(descriptors[_OUTPUT])
        self._reader: int | None = descriptors[_READER]
        self.lock = os.dup(descriptors[_LOCK]) if _LOCK in descriptors else None
        self.pid = _FIRST_PID
        self._end: Happening | None = None

    def be_orphaned(self) -> None:
        """Close the killed manager's end of the pipe; whatever hangs is ended by somebody."""
        reader, self._reader = self._reader, None
        if reader is not None:
            os.close(reader)
        if self._end is None:
            self._end = self._world.callLater(_ORPHAN, self._over, ProcessTerminated(signal=15))

    def begin(self, ending: Ending) -> None:
        """Run, and end as `ending` says."""
        if ending.seconds is not None:
            self._end = self._world.callLater(ending.seconds, self._ended, ending)
        self._protocol.makeConnection(self)

    def signalProcess(self, number: int) -> None:
        """Have it end by a signal."""
        if self._output is None:
            raise ProcessExitedAlready
        if self._end is not None and self._end.active():
            self._end.cancel()
        self._end = self._world.callLater(0.01, self._over, ProcessTerminated(signal=int(number)))

    def _ended(self, ending: Ending) -> None:
        ending.effect()
        assert self._output is not None, "it runs"
        if self._reader is not None:
            os.write(self._output, ending.output.encode())
        self._over(ProcessTerminated(ending.exit_code) if ending.exit_code else ProcessDone(0))

    def _over(self, reason: Any) -> None:
        assert self._output is not None, "it ends once"
        os.close(self._output)
        self._output = None
        if self.lock is not None:
            os.close(self.lock)
        self._processes.forget(self)
        if self._parent_lives():
            self._protocol.processEnded(Failure(reason))
