"""What the verbs of the control socket work with.

Layer 5. The same verbs run inside the daemon and, where none runs, inside a command that holds
the manager's lock: what only a daemon knows comes in as `Live`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.retention.sweep import Sweep
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.vocab.settings import Settings


class Live(Protocol):
    """What only a running daemon knows and can do."""

    async def fetch_log(self, build_id: int, start: int, limit: int) -> bytes | None:
        """At most `limit` bytes of a running build's log from byte `start`, from its builder.

        None where the build is on no builder. Raises BuilderError.
        """

    def watching(self, build_id: int) -> AbstractContextManager[None]:
        """While entered, the builder of this build is asked as often as the bounds allow."""

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses, as sentences; empty while it goes on."""

    def troubles(self) -> Mapping[int, str]:
        """What each builder that fails at present does wrong, by builder id, as a clause."""


@dataclass(frozen=True, slots=True)
class Farm:
    """The parts that verbs use.

    `workers` are the file threads; `sweep` removes what is old; `live` is None without a daemon.
    """

    reactor: Any
    settings: Settings
    transactor: Transactor
    epoch: Epoch
    filestore: FileStore
    workers: Workers
    sweep: Sweep
    utc_now: Callable[[], datetime]
    live: Live | None = None


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file that the caller opened and sent along: its name there, and its contents."""

    name: str
    stream: BinaryIO


class CallerGone(FarmError):
    """The caller went away while it was being answered."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name for events, the files sent along, and where pieces of an answer go.

    `send` waits while the caller reads slowly and raises CallerGone once nobody reads.
    """

    actor: str
    files: tuple[OfferedFile, ...]
    send: Callable[[Any], Awaitable[None]]

    def the_file(self) -> OfferedFile:
        """The one file that the request must have brought."""
        if len(self.files) != 1:
            raise Refused(f"Exactly one file belongs to this request, not {len(self.files)}.")
        return self.files[0]
