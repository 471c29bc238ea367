"""What pages ask of the running scanners, which the database does not know.

Layer 5; implemented by `assembly.live.LiveFarm`. Tests: tests/unit/assembly/test_live.py.
"""

from collections.abc import Mapping
from typing import Protocol


class Live(Protocol):
    """The scanners of this process, as far as people may look at them."""

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses, as sentences; empty while it goes on."""

    def troubles(self) -> Mapping[int, str]:
        """What each builder that fails at present does wrong, by builder id, as a clause."""

    async def fetch_log(
        self, build_id: int, start: int, limit: int, attempt: int | None = None
    ) -> bytes | None:
        """Part of a running build's log from its builder, of this attempt only.

        None where it is on no builder. Raises BuilderError.
        """
