"""What the children of `test_confinement` do; imported by the fork server, not by the tests.

`attempt` is what hostile code would do in a child that it has taken over.
"""

import ctypes
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from buildfarm.flow import confinement, landlock, seccomp
from buildfarm.flow.conversation import Conversation
from buildfarm.flow.limits import ResourceLimits

_PTRACE_ATTACH = 16


def attempt(conversation: Conversation, argument: dict[str, Any]) -> None:
    """Put on the layers that `argument` names, then answer how each deed ended."""
    with Path(argument["readable"]).open("rb") as open_before, socket.socket() as connection:
        deeds = _deeds(argument, open_before.fileno(), connection)
        _LAYERS[argument["layer"]]()
        conversation.send({name: _outcome(deed) for name, deed in deeds.items()})


def _only_limits() -> None:
    ResourceLimits(memory=1 << 30, cpu=60).impose()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


_LAYERS: dict[str, Callable[[], object]] = {
    "none": lambda: None,
    "all": lambda: confinement.confine(ResourceLimits(memory=1 << 30, cpu=60)),
    "user": confinement.leave_root,
    "limits": _only_limits,
    "landlock": landlock.forbid_names,
    "filter": lambda: seccomp.restrict(seccomp.computing_only()),
}


def _outcome(deed: Callable[[], object]) -> str:
    try:
        deed()
    except (OSError, ValueError) as error:  # a ValueError: a limit that cannot be raised
        return type(error).__name__
    return "done"


def _deeds(
    argument: dict[str, Any], open_before: int, connection: socket.socket
) -> dict[str, Callable[[], object]]:
    readable, writable = Path(argument["readable"]), Path(argument["writable"])
    libc = ctypes.CDLL(None, use_errno=True)

    def called(answer: int) -> None:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    def rename() -> None:
        renamed = writable.rename(writable.with_name("renamed"))
        renamed.rename(writable)

    def start() -> None:
        pid = os.posix_spawn("/bin/true", ["true"], {})
        os.waitpid(pid, 0)

    return {
        "read a file that is open": lambda: os.pread(open_before, 1, 0),
        "open for reading": lambda: os.close(os.open(readable, os.O_RDONLY)),
        "list a directory": lambda: list(readable.parent.iterdir()),
        "open for writing": lambda: os.close(os.open(writable, os.O_WRONLY)),
        "append": lambda: os.close(os.open(writable, os.O_WRONLY | os.O_APPEND)),
        "truncate": lambda: os.truncate(writable, 0),
        "create": lambda: os.close(os.open(writable.parent / "new", os.O_CREAT | os.O_WRONLY)),
        "make a directory": lambda: writable.with_name("made").mkdir(),
        "link": lambda: os.link(writable, writable.parent / "linked"),
        "rename": rename,
        "remove": readable.unlink,
        "change the mode": lambda: writable.chmod(0o777),
        "make a socket": lambda: socket.socket().close(),
        "connect": lambda: connection.connect(("127.0.0.1", argument["port"])),
        "signal another process": lambda: os.kill(argument["victim"], 0),
        "trace another process": lambda: called(
            libc.ptrace(_PTRACE_ATTACH, argument["victim"], None, None)
        ),
        "kill another process": lambda: os.kill(argument["victim"], signal.SIGTERM),
        "fork": fork,
        "start a program": start,
        "map memory to execute": lambda: called(libc.mprotect(ctypes.c_void_p(_page()), 4096, 7)),
        "lift a limit": lambda: resource.setrlimit(resource.RLIMIT_CORE, (1, 1)),
        "mount": lambda: called(libc.mount(b"none", b"/mnt", b"tmpfs", 0, None)),
        "become root": lambda: os.setresuid(0, 0, 0),
    }


def _page() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    return int(libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, 0))


def compute(conversation: Conversation, limits: ResourceLimits) -> None:
    """Compute for ever, confined."""
    confinement.confine(limits)
    conversation.send("greedy")
    while True:
        time.process_time()


def allocate(conversation: Conversation, limits: ResourceLimits) -> None:
    """Take more memory than there is to have, confined."""
    confinement.confine(limits)
    try:
        conversation.send(len(bytearray(1 << 30)))
    except MemoryError:
        conversation.send("too much")
