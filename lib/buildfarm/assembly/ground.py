"""What all parts of a running manager stand on.

Layer 6; made by `assembly.service` once the database is open and the epoch begun.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from buildfarm.assembly.surroundings import Surroundings
from buildfarm.filestore.passes import Passes
from buildfarm.filestore.store import FileStore
from buildfarm.filestore.tokens import Tokens
from buildfarm.flow.threads import Workers
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.settings import Settings

#: Jobs in the queue before the file threads; callers beyond that wait outside it.
FILES_QUEUED = 1024


def no_checkpoint(name: str) -> None:
    """What happens at each numbered step, outside tests that kill the manager there: nothing."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`workers` are the file threads; `checkpoint` is called at each numbered step."""

    reactor: Any
    settings: Settings
    storage: Transactor
    epoch: Epoch
    store: FileStore
    tokens: Tokens
    passes: Passes
    workers: Workers
    utc_now: Callable[[], datetime]
    checkpoint: Callable[[str], None]
    surroundings: Surroundings
