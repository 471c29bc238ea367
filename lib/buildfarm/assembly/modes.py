"""Which files of a manager others could read or change that should not.

Layer 6; for `check-config`. Tests: tests/unit/assembly/test_modes.py.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from storm.uri import URI

from buildfarm.assembly.certificates import private_keys
from buildfarm.vocab.settings import Settings

_OTHERS = 0o007
_GROUP_AND_OTHERS = 0o077


def open_modes(config: Path, settings: Settings) -> Iterator[str]:
    """A sentence for each file of which the mode is too open; what does not exist has none."""
    if URI(settings.database_uri).password is not None:
        yield from _too_open(config, _OTHERS, "it has the password of the database in it")
    state = settings.manager.state_dir
    yield from _too_open(state, _OTHERS, "sources, results and logs of every build are in it")
    yield from _too_open(settings.token_key, _GROUP_AND_OTHERS, "it opens what is private")
    reach = "who can open it commands the manager"
    yield from _too_open(settings.control_socket, _GROUP_AND_OTHERS, reach)
    for key in private_keys(settings):
        yield from _too_open(key, _OTHERS, "who has it can pass for this farm")
    for database in sorted(state.glob("*.db*")):
        yield from _too_open(database, _GROUP_AND_OTHERS, "it holds the whole farm")
    for keys in sorted(state.glob("archives/*/keys")):
        yield from _too_open(keys, _GROUP_AND_OTHERS, "the key that signs the archive is in it")


def _too_open(path: Path, forbidden: int, why: str) -> Iterator[str]:
    try:
        mode = stat.S_IMODE(path.lstat().st_mode)
    except OSError:
        return
    if mode & forbidden:
        whom = "others" if mode & _OTHERS else "its group"
        better = mode & ~forbidden
        yield f"{path} has mode {mode:04o}, open to {whom}: {why}; chmod {better:04o} {path}"
