"""Layer 2: the process that forks a child per job: `python -m buildfarm.flow.forkserver MODULE…`.

What is given as `MODULE:FUNCTION` is also called once, so that no child has to.

A fork of a small process that has imported what the jobs need takes a tenth of what a new
interpreter takes, and none of the manager's threads, memory and descriptors come along.

Standard input is a SEQPACKET socket from the manager. Each message on it carries two descriptors:
the child's end of its conversation, and a SEQPACKET socket on which the manager is told first the
child's process id, with a pidfd, and at last its exit code. The end of that input means that the
manager is gone or has no more jobs: the server ends at once, its children live on to their end.

The server adopts what its children leave behind (`PR_SET_CHILD_SUBREAPER`). When a child has ended,
the rest of its process group is killed, and its end is told only when all of them are reaped.

Tests: tests/functional/flow/test_forks.py.
"""

import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from buildfarm.flow.conversation import Conversation, Job

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(slots=True)
class _Child:
    """One forked child; `exit_code` is None until it has ended, minus the signal if one did it."""

    status: socket.socket
    exit_code: int | None = None


class Server:
    """Forks on request and reaps."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._children: dict[int, _Child] = {}

    def serve(self) -> None:
        """Fork a child for each request until there are no more."""
        woken, signalled = socket.socketpair()
        woken.setblocking(False)
        signalled.setblocking(False)
        signal.set_wakeup_fd(signalled.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if woken.fileno() in ready:
                woken.recv(4096)
                self._reap()
            if self._requests.fileno() in ready and not self._take_request():
                return

    def _take_request(self) -> bool:
        """Fork for the next request; False where there are no more."""
        _, descriptors, _, _ = socket.recv_fds(self._requests, 1, 2)
        if len(descriptors) != 2:
            return False
        conversation, status = (socket.socket(fileno=number) for number in descriptors)
        try:
            pid = os.fork()
        except OSError as error:
            _tell(status, str(error))
        else:
            if pid == 0:
                _be_child(conversation)
            self._children[pid] = _Child(status)
            pidfd = os.pidfd_open(pid)
            _tell(status, str(pid), pidfd)
            os.close(pidfd)
        conversation.close()
        return True

    def _reap(self) -> None:
        """Reap what has ended, and tell the ends of the children of whom nothing is left."""
        while (pid := _ended_process()) is not None:
            child = self._children.get(pid)
            if child is not None:
                _kill_group(pid)  # while its zombie keeps the number from being used again
            _, status = os.waitpid(pid, 0)
            if child is not None:
                child.exit_code = os.waitstatus_to_exitcode(status)
        for pid, child in list(self._children.items()):
            if child.exit_code is not None and not _has_members(pid):
                _tell(child.status, str(child.exit_code))
                child.status.close()
                del self._children[pid]


def _ended_process() -> int | None:
    """A child of ours, by birth or adopted, that has ended and is still to be reaped."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if ended is None else ended.si_pid


def _has_members(group: int) -> bool:
    """Whether children of ours are left in process group `group`; orphans of it are ours too."""
    try:
        os.waitid(os.P_PGID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:  # it ended before it had a group of its own
        return


def _tell(status: socket.socket, text: str, *descriptors: int) -> None:
    try:
        socket.send_fds(status, [text.encode()], descriptors)
    except OSError:  # nobody wants to know any more
        return


def _be_child(conversation: socket.socket) -> None:
    """Do one job in this process, a fork of the server, and end it."""
    exit_code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _close_all_but(conversation.fileno())
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _do_job(Conversation(conversation))
        exit_code = 0
    finally:
        os._exit(exit_code)


def _close_all_but(kept: int) -> None:
    """Keep the standard streams, which lead nowhere, and `kept`."""
    os.dup2(0, 2)
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def _do_job(conversation: Conversation) -> None:
    try:
        job: Job = conversation.receive()
        function = _named(job.function)
        conversation.begin()
        function(conversation, job.argument)
    except BaseException as error:
        conversation.fail(error)
        raise


def _named(function: str) -> Callable[[Conversation, Any], None]:
    """The function that "module:name" names."""
    module, _, name = function.partition(":")
    found: Callable[[Conversation, Any], None] = attrgetter(name)(importlib.import_module(module))
    return found


def main(preload: list[str]) -> None:
    """Import the modules and call the functions of `preload`, and serve."""
    requests = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
    for name in preload:
        module, _, function = name.partition(":")
        found = importlib.import_module(module)
        if function:
            getattr(found, function)()
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every shared page in each child
    Server(requests).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)
