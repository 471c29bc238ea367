"""Places for what takes long, such as downloads: of all of them no address has more than its share.

Who reads slowly keeps a place for as long as they like; one address with all of them would keep
everybody else out.

Layer 5. Tests: tests/unit/statuspage/test_shares.py.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from buildfarm.flow.peerplaces import share_of


class Shares:
    """`count` places; nobody waits for one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: Counter[str] = Counter()

    def has_place(self, address: str) -> bool:
        """Whether there is a place for `address`."""
        return self._held.total() < self._count and self._held[address] < share_of(self._count)

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """Have a place for as long as this is entered."""
        self._held[address] += 1
        try:
            yield
        finally:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]
