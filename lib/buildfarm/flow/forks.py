"""Layer 2: jobs in child processes, started in about a millisecond, spoken with, and killable.

`ForkServer` keeps a fork server (`buildfarm.flow.forkserver`) running and has it fork. All of this
blocks and is for worker threads; any number of threads may start children at once, each child is
for the thread that started it.

Tests: tests/functional/flow/test_forks.py.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from buildfarm.flow.conversation import Job, ManagerConversation
from buildfarm.flow.environment import minimal_environment
from buildfarm.vocab.errors import ChildError, ChildTimedOut, Stopped

#: Seconds for the server to start and fork, and for a child to begin.
_START = 60.0

#: Seconds for a killed child to be gone: only the kernel can be in its way.
_KILLED = 10.0

#: Seconds for a child to take a message.
_SEND = 30.0


class Child:
    """A child process at its job. Leaving its `with` kills what is left of it and waits for that.

    Deadlines are seconds from now.
    """

    def __init__(
        self, pid: int, pidfd: int, status: socket.socket, conversation: ManagerConversation
    ) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._status = status
        self._conversation = conversation
        self._gone = False
        self._exit_code: int | None = None

    def begin(self, job: Job, deadline: float) -> None:
        """Tell the child its job, once, and return when it has begun."""
        self._conversation.send(job, deadline)
        self._conversation.await_begin(deadline)

    def send(self, value: Any, deadline: float = _SEND) -> None:
        """Send anything that can be pickled.

        Raises ChildTimedOut where the child does not take it, ConversationEnded where it is gone.
        """
        self._conversation.send(value, deadline)

    def receive(self, deadline: float) -> Any:
        """The next thing that the child's function sent, as JSON gives it, not to be believed.

        Raises ChildTimedOut; ConversationEnded where the function has ended; ChildError where it
        failed, with its sentence and traceback, and where it sent nonsense.
        """
        return self._conversation.receive(deadline)

    def kill(self) -> None:
        """Kill the child and all of its process group; `wait` tells when they are gone."""
        if self._gone or _is_readable(self._pidfd, 0):
            return  # ended: the number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # where it has no group of its own yet
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def wait(self, deadline: float) -> int | None:
        """Return when the child is really gone, it and all of its process group reaped.

        Its exit code, or minus the signal that ended it; None where nobody can tell, since the
        fork server died meanwhile. Raises ChildTimedOut where the child is still there.
        """
        if not self._gone:
            self._exit_code = self._fetch_exit_code(deadline)
            self._gone = True
        return self._exit_code

    def close(self) -> None:
        """Kill the child, wait until it is gone, and end the conversation."""
        try:
            self.kill()
            self.wait(_KILLED)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the conversation and leave the child to its own end."""
        self._conversation.close()
        self._status.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _fetch_exit_code(self, deadline: float) -> int | None:
        still_there = f"Process {self.pid} has not ended within {deadline} s."
        if not _is_readable(self._status.fileno(), deadline):
            raise ChildTimedOut(still_there)
        told = self._status.recv(64)
        if told:
            return int(told)
        if not _is_readable(self._pidfd, deadline):  # the server is gone, the child may not be
            raise ChildTimedOut(still_there)
        return None


class _ServerGone(ChildError):
    """The fork server ended before it had forked."""


class _Server:
    """One fork server process, from its start to its end."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_START)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "buildfarm.flow.forkserver", *preload],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in our terminal is not for it
                env=minimal_environment(_python_path()),
            )

    def fork(self, function: str) -> Child:
        """A new child that waits to be told its job, `function`."""
        conversation, child_conversation = socket.socketpair()
        status, child_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with child_conversation, child_status:
                descriptors = [child_conversation.fileno(), child_status.fileno()]
                socket.send_fds(self._requests, [b"fork"], descriptors)
            status.settimeout(_START)
            told, pidfds, _, _ = socket.recv_fds(status, 256, 1)
            if not told:
                raise ConnectionError("no answer")
        except OSError as error:
            conversation.close()
            status.close()
            raise _ServerGone(f"The fork server ended: {error}; its log says why.") from error
        if not pidfds:
            conversation.close()
            status.close()
            raise ChildError(f"No process for {function} could be forked: {told.decode()}")
        return Child(int(told), pidfds[0], status, ManagerConversation(conversation, function))

    def end(self) -> None:
        """Have the process end, and reap it."""
        self._requests.close()
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkServer:
    """Starts children that have the modules of `preload` imported already.

    The server process is started with the first child, and again after it died.
    """

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._preload = preload
        self._guard = threading.Lock()
        self._server: _Server | None = None
        self._stopped = False

    def start(self, function: str, argument: Any = None) -> Child:
        """A child that has begun to run `function`, given as "module:name".

        It is called with its `Conversation` and `argument` (anything that can be pickled), in a
        session of its own, with its streams leading nowhere.

        Raises ChildError where no child could be started, or `function` cannot be imported;
        Stopped after `stop`.
        """
        try:
            child = self._fork(function)
        except _ServerGone:
            child = self._fork(function)
        try:
            child.begin(Job(function, argument), _START)
        except BaseException:
            child.close()
            raise
        return child

    def stop(self) -> None:
        """End the server, at once; children go on to their end."""
        with self._guard:
            self._stopped = True
            server, self._server = self._server, None
        if server is not None:
            server.end()

    def _fork(self, function: str) -> Child:
        server = self._running_server()
        try:
            return server.fork(function)
        except _ServerGone:
            with self._guard:
                if self._server is server:
                    self._server = None
            server.end()
            raise

    def _running_server(self) -> _Server:
        with self._guard:
            if self._stopped:
                raise Stopped("The fork server has been stopped and forks no more children.")
            if self._server is None:
                self._server = _Server(self._preload)
            return self._server


def _is_readable(descriptor: int, within: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(1000 * within))


def _python_path() -> dict[str, str]:
    """What lets the server find the modules that we found."""
    return {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
