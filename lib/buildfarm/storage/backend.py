"""What a kind of database has to be able to do for the farm.

Layer 3. There are two kinds, `sqlitebackend` and `postgresbackend`; `database` chooses by the URI.
Everything here blocks.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` found and did: `before` is the version it found, `backup` where it kept that."""

    before: int
    after: int
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did: where the contents of before are, and how many attempts were given up."""

    kept: str | None
    lost: int


class Backend(Protocol):
    """The database behind one URI; nothing is open between calls."""

    #: What people call it; there is no password in it.
    name: str
    #: The file that it is in; None for a server.
    path: Path | None

    def init(self, backups: Path | None) -> Initialised:
        """Make the schema, or upgrade an older one after a backup; all of it or nothing."""

    def version(self) -> int:
        """The schema version that is there; Refused where there is none, or not ours."""

    def writer(self, *, exclusive: bool) -> Any:
        """A store that reads and writes; `exclusive` as `database.Database` has it."""

    def reader(self) -> Any:
        """A store that only reads, in transactions that each see one state."""

    def backup(self, target: Path) -> None:
        """Write what is committed now into the new file `target`."""

    def restore(self, source: Path, now: datetime) -> Restored:
        """Replace what is there by the backup `source`, renewed; all of it or nothing."""
