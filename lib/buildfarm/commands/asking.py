"""How a command gets its answer: from the running daemon, or by doing the work itself.

Layer 7. With a daemon only the standard library is needed, so that a command starts in a blink;
without one the same verb runs here, under the manager's lock.
Tests: tests/functional/commands/test_without_daemon.py.
"""

import os
import pwd
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from buildfarm.admin.client import NobodyListens, ask, connect
from buildfarm.admin.protocol import MAX_ACTOR, Request
from buildfarm.assembly.location import control_socket
from buildfarm.flow.plainfiles import open_plain
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

#: The environment variable that names the configuration file where `--config` does not.
CONFIG_VARIABLE = "BUILDD_MANAGER_CONFIG"

#: Where the configuration file is if nobody says otherwise.
DEFAULT_CONFIG = Path("/etc/buildd-manager/manager.toml")

#: Seconds for which a command waits while another one works without a daemon, or a daemon starts.
PATIENCE = 15.0

_POLL = 0.05


def _nothing(part: Any) -> None:
    """For verbs that answer in one piece."""


@dataclass(frozen=True, slots=True)
class Manager:
    """The manager of one configuration file, as commands see it."""

    config: Path

    def ask(
        self,
        verb: str,
        params: dict[str, Any] | None = None,
        files: Sequence[Path] = (),
        on_part: Callable[[Any], None] = _nothing,
    ) -> Any:
        """The result of `verb`; `files` are opened here and sent along.

        Raises Refused with a sentence for a person, FarmError where something went wrong.
        """
        with _opened(files) as streams:
            return self.ask_with(
                verb, params or {}, [path.name for path in files], streams, on_part
            )

    def ask_with(
        self,
        verb: str,
        params: dict[str, Any],
        names: Sequence[str],
        streams: Sequence[BinaryIO],
        on_part: Callable[[Any], None] = _nothing,
    ) -> Any:
        """As `ask`, with files that are open already, under these names."""
        request = Request(verb, params, actor(), tuple(names))
        socket = control_socket(self.config)
        give_up = time.monotonic() + PATIENCE
        while True:
            if socket is not None:
                try:
                    return ask(connect(socket), request, streams, on_part)
                except NobodyListens:
                    pass
            # Twisted and Storm are needed only now.
            from buildfarm.commands.direct import LockTaken, do_directly

            try:
                return do_directly(self.config, request, streams, on_part)
            except LockTaken:
                # A daemon that is just starting, or another command like this one.
                if time.monotonic() > give_up:
                    raise
            time.sleep(_POLL)


def actor() -> str:
    """Who gives the command, as events name them: who became root through sudo is still known."""
    if os.getuid() == 0 and (name := os.environ.get("SUDO_USER")):
        return one_line(name, MAX_ACTOR)
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[list[BinaryIO]]:
    with ExitStack() as stack:
        streams: list[BinaryIO] = []
        for path in paths:
            try:
                streams.append(stack.enter_context(open_plain(path)))
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}.") from error
        yield streams
