"""Where the daemon of a configuration file listens, without checking the rest of the file.

Layer 6. A command that only talks to a running daemon starts faster without the full check of the
settings, which that daemon made when it read them. Tests: tests/unit/assembly/test_location.py.
"""

import tomllib
from pathlib import Path

from buildfarm.flow.plainfiles import open_plain
from buildfarm.vocab.settings import ManagerSettings, Settings


def control_socket(path: Path) -> Path | None:
    """The control socket that the configuration file at `path` names.

    None where the file cannot be read or says nothing usable: `assembly.settings.load` then says
    what is wrong.
    """
    try:
        with open_plain(path) as file:
            manager = tomllib.load(file)["manager"]
        directory = path.absolute().parent
        socket = manager.get("control_socket")
        found = Settings(
            manager=ManagerSettings(
                state_dir=directory / manager["state_dir"],
                control_socket=None if socket is None else directory / socket,
            )
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found.control_socket
