"""What an act is, and what it hands back.

An act is a plain function `act(store, …) -> Committed`: a whole transaction, which touches nothing
but the store and may therefore be run again (DESIGN section 5, rule 4). A query is a plain function
`query(store, …)` that only reads. Both get wall time as an argument, in naive UTC.

Layer 3. Tests: tests/unit/storage.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import StaleState

T = TypeVar("T")

#: The actor of every event that nobody asked for.
MANAGER = "buildd-manager"


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What an act decided: its value, and what the world is told once it is committed."""

    value: T
    announcements: tuple[Announcement, ...] = ()


def require_one(result: Any, what: str) -> None:
    """Raise StaleState unless the guarded UPDATE behind `result` changed exactly one row.

    `what` completes the sentence "… has moved on": the thing and what was to be done with it.
    """
    if result.rowcount != 1:
        raise StaleState(f"{what}: it has moved on meanwhile, or a newer manager owns it")
