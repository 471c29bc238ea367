"""What the children of `test_forks` do; imported by the fork server, not by the tests."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from buildfarm.flow.conversation import Conversation
from buildfarm.flow.lockfiles import try_hold
from buildfarm.vocab.errors import ConversationEnded


def echo(conversation: Conversation, argument: Any) -> None:
    """Send the argument back, then everything that comes, until there is no more."""
    conversation.send(argument)
    try:
        while True:
            conversation.send(conversation.receive())
    except ConversationEnded:
        return


def repeat(conversation: Conversation, argument: Any) -> None:
    """Send the argument back and end."""
    conversation.send(str(argument))


def surroundings(conversation: Conversation, argument: Any) -> None:
    """Tell where this process finds itself."""
    descriptors = {int(path.name): path for path in Path("/proc/self/fd").iterdir()}
    links = {n: str(path.readlink()) for n, path in descriptors.items() if path.exists()}
    conversation.send(
        {
            "pid": os.getpid(),
            "session": os.getsid(0),
            "links": [links[n] for n in sorted(links)],
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "preloaded": "colorsys" in sys.modules,
            "handler": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        }
    )


def fail(conversation: Conversation, argument: str) -> None:
    """Fail in a function of its own."""
    raise KeyError(argument)


def hang(conversation: Conversation, argument: Any) -> None:
    """Say that it is there and never come back, not even when asked to terminate."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    conversation.send("hanging")
    signal.pause()


def start_grandchild(conversation: Conversation, argument: str) -> None:
    """Start a program and end before it or hang."""
    grandchild = subprocess.Popen(["sleep", "1000"])
    conversation.send(grandchild.pid)
    if argument == "hang":
        signal.pause()


def exit_at_once(conversation: Conversation, argument: int) -> None:
    """End without a word."""
    os._exit(argument)


def lie(conversation: Conversation, argument: bytes) -> None:
    """Write bytes of one's own choice into the conversation."""
    with socket.socket(fileno=conversation._outgoing._connection.fileno()) as connection:
        connection.sendall(argument)
        signal.pause()


def outlive(conversation: Conversation, argument: Path) -> None:
    """Hold a lock until the manager is gone and somebody writes into a pipe; reach the end."""
    lock = try_hold(argument / "lock")
    assert lock is not None
    conversation.send("waiting")
    try:
        conversation.receive()
    except ConversationEnded:
        (argument / "go").read_text()
        (argument / "end").write_text("reached")
