"""Layer 2: commands run as child processes of the reactor, awaited.

Each has a session and process group of its own, standard input from nowhere, a bounded end of its
output, and a deadline. A command is not the manager's to take along when it stops: it goes on,
still holding its lock. Therefore it inherits the reading end of its own output too; without a
reader its next line would kill it by SIGPIPE.

Tests: tests/functional/flow/test_children.py.
"""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from buildfarm.flow.environment import minimal_environment
from buildfarm.flow.lockfiles import HeldLock
from buildfarm.flow.outputs import OutputReader
from buildfarm.flow.reactors import ProcessReactor, Timer
from buildfarm.vocab.errors import ChildError

#: Seconds between asking a command's process group to end and killing it.
KILL_AFTER = 5.0

#: Descriptors of the child, after its three standard ones.
_OUTPUT_READER = 3
_LOCK = 4


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended.

    `exit_code` is None where a signal ended it, `signal` is None where none did. `output` is the
    end of what it printed to standard output and error, undecodable bytes replaced; `dropped`
    bytes before it were not kept. `timed_out`: it was made to end at its deadline; with neither
    an exit code nor a signal that did not succeed, and it still runs.
    """

    exit_code: int | None
    signal: int | None
    output: str
    dropped: int
    timed_out: bool

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself, with exit status 0."""
        return self.exit_code == 0 and not self.timed_out

    @property
    def ending(self) -> str:
        """How it ended, in words that complete "the command …"."""
        if self.exit_code is None and self.signal is None:
            return "did not end before its deadline and cannot be killed"
        if self.timed_out:
            return "did not end before its deadline and was killed"
        if self.signal is not None:
            return f"was killed by {signal.Signals(self.signal).name}"
        return f"ended with exit status {self.exit_code}"


async def run_command(
    reactor: ProcessReactor,
    arguments: Sequence[str],
    *,
    deadline: float,
    max_output: int,
    lock: HeldLock | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> CommandResult:
    """Run `arguments`, a program and its arguments, and return how it ended.

    After `deadline` seconds its process group is terminated, 5 s later killed, 5 s later given up.
    At most `max_output` bytes of output are kept, the last ones. `env` is added to the minimal
    environment.

    `lock` is taken over from the caller: the command holds it too (as its descriptor 4), and it is
    released when the command has been reaped. Where the caller is cancelled, the command goes on
    to its end or deadline, and the lock with it.

    A program that does not exist ends with exit status 127, as in a shell. Raises ChildError
    where no process could be started at all.
    """
    if not arguments or arguments[0].startswith("-"):
        raise ChildError(f"{list(arguments)} is not a command: it must begin with a program.")
    command = _Command(reactor, deadline, max_output, lock)
    command.start(arguments, minimal_environment(env), cwd)
    return await command.ended


class _Command(ProcessProtocol):
    """One running command, from its start until it has been reaped."""

    def __init__(
        self, reactor: ProcessReactor, deadline: float, max_output: int, lock: HeldLock | None
    ) -> None:
        self.ended: Deferred[CommandResult] = Deferred()
        self._reactor = reactor
        self._deadline = deadline
        self._output = OutputReader(reactor, max_output)
        self._lock = None if lock is None else lock.hand_over()
        self._timer: Timer | None = None
        self._timed_out = False

    def start(self, arguments: Sequence[str], env: dict[str, str], cwd: Path | None) -> None:
        """Start the process. Raises ChildError, with nothing left open, where that fails."""
        nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        descriptors = {
            0: nowhere,
            1: self._output.writing_end,
            2: self._output.writing_end,
            _OUTPUT_READER: self._output.fileno(),
        }
        if self._lock is not None:
            descriptors[_LOCK] = self._lock.fileno()
        try:
            self._reactor.spawnProcess(
                self,
                "setsid",
                ["setsid", *arguments],
                env,
                None if cwd is None else str(cwd),
                childFDs=descriptors,
            )
        except (OSError, ValueError) as error:
            self._close()
            raise ChildError(f"{arguments[0]} could not be started: {error}") from error
        finally:
            os.close(nowhere)
            self._output.close_writing_end()

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The process runs: read its output and watch its time."""
        self._pid: int = self._process().pid
        self._output.start()
        self._timer = self._reactor.callLater(self._deadline, self._terminate)

    def processEnded(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """The process has been reaped."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._timed_out:
            self._signal_group(signal.SIGKILL)  # what it started and what did not end with it
        self._output.read_rest()
        self._close()
        status: Any = reason.value
        self._settle(status.exitCode, status.signal)

    def _terminate(self) -> None:
        self._timed_out = True
        self._signal_group(signal.SIGTERM)
        self._timer = self._reactor.callLater(KILL_AFTER, self._kill)

    def _kill(self) -> None:
        self._signal_group(signal.SIGKILL)
        self._timer = self._reactor.callLater(KILL_AFTER, self._give_up)

    def _give_up(self) -> None:
        """Wait no longer for a process that we may not kill; it keeps the lock."""
        self._output.close()
        if self._lock is not None:
            self._lock.leave()
        self._settle(None, None)

    def _signal_group(self, number: signal.Signals) -> None:
        """Signal all processes of the command, as far as they are still there and ours."""
        try:
            os.killpg(self._pid, number)
        except PermissionError:
            return
        except ProcessLookupError:
            # It is gone, or has not got as far as its own group.
            with contextlib.suppress(ProcessExitedAlready, PermissionError):
                self._process().signalProcess(number)

    def _settle(self, exit_code: int | None, number: int | None) -> None:
        if not self.ended.called:
            output, dropped = self._output.text, self._output.dropped
            self.ended.callback(CommandResult(exit_code, number, output, dropped, self._timed_out))

    def _process(self) -> Any:
        return self.transport

    def _close(self) -> None:
        self._output.close()
        if self._lock is not None:
            self._lock.release()
