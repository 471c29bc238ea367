"""A limit on how often an address may try tokens that do not fit.

Layer 4. Tests: tests/unit/identity/test_attempts.py.
"""

from collections import OrderedDict
from collections.abc import Callable

#: Wrong tokens that one address may try within `SPAN` seconds; further ones are not looked at.
MOST = 10
SPAN = 60.0

#: Addresses that are remembered; the one that failed longest ago is forgotten first.
REMEMBERED = 10_000


class Attempts:
    """Counts failures per address, by the clock `seconds`."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until `address` may try again; 0 while it may."""
        recent = self._recent(address)
        return recent[0] + SPAN - self._seconds() if len(recent) >= MOST else 0.0

    def failed(self, address: str) -> None:
        """`address` has tried a token that does not fit."""
        self._failures[address] = [*self._recent(address)[-MOST + 1 :], self._seconds()]
        self._failures.move_to_end(address)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._seconds() - SPAN
        return [time for time in self._failures.get(address, ()) if time > since]
