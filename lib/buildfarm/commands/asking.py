"""How a command gets its answer: from the running daemon, or by doing the work itself.

Layer 7. With a daemon only the standard library is needed, so a command starts in a blink; without
one the same verb runs here, under the manager's lock. Tests: tests/functional/commands.
"""

import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildfarm.admin.client import NobodyListens, ask, connect
from buildfarm.admin.protocol import Request
from buildfarm.assembly.location import control_socket
from buildfarm.vocab.errors import Refused

#: The environment variable that names the configuration file where `--config` does not.
CONFIG_VARIABLE = "BUILDD_MANAGER_CONFIG"

#: Where the configuration file is if nobody says otherwise.
DEFAULT_CONFIG = Path("/etc/buildd-manager/manager.toml")


def _nothing(part: Any) -> None:
    """For verbs that answer in one piece."""


@dataclass(frozen=True, slots=True)
class Manager:
    """The manager of one configuration file, as commands see it."""

    config: Path

    def ask(
        self,
        verb: str,
        params: dict[str, Any],
        files: Sequence[Path] = (),
        on_part: Callable[[Any], None] = _nothing,
    ) -> Any:
        """The result of `verb`; `files` are opened here and sent along.

        Raises Refused with a sentence for a person, FarmError where something went wrong.
        """
        opened = []
        try:
            for path in files:
                try:
                    opened.append(path.open("rb"))
                except OSError as error:
                    raise Refused(f"{path} cannot be read: {error.strerror}.") from error
            names = tuple(path.name for path in files)
            request = Request(verb, params, _actor(), names)
            socket = control_socket(self.config)
            if socket is not None:
                try:
                    return ask(connect(socket), request, opened, on_part)
                except NobodyListens:
                    pass
            # Twisted and Storm are needed only now.
            from buildfarm.commands.direct import do_directly  # noqa: PLC0415

            return do_directly(self.config, request, opened, on_part)
        finally:
            for file in opened:
                file.close()


def _actor() -> str:
    """Who gives the command, as events name them: who became root through sudo is still known."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
