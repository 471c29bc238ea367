"""A limit on how often an address may try what does not fit, or ask for what costs us something.

Layer 4. Tests: tests/unit/identity/test_attempts.py.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address

#: Wrong tokens that one address may try within `SPAN` seconds; further ones are not looked at.
MOST = 10
SPAN = 60.0

#: Addresses that are remembered; the one that failed longest ago is forgotten first.
REMEMBERED = 10_000


class Attempts:
    """Counts per address, by the clock `seconds`: `most` within `span` seconds.

    Addresses of IPv6 count as one where their first 64 bits are the same: a host has them all.
    """

    def __init__(self, seconds: Callable[[], float], most: int = MOST, span: float = SPAN) -> None:
        self._seconds = seconds
        self._most = most
        self._span = span
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until `address` may try again; 0 while it may."""
        recent = self._recent(address)
        return recent[0] + self._span - self._seconds() if len(recent) >= self._most else 0.0

    def note(self, address: str) -> None:
        """`address` has done it once more."""
        holder = _holder(address)
        self._failures[holder] = [*self._recent(address)[-self._most + 1 :], self._seconds()]
        self._failures.move_to_end(holder)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._seconds() - self._span
        return [time for time in self._failures.get(_holder(address), ()) if time > since]


def _holder(address: str) -> str:
    """Whose `address` is, as far as one can tell."""
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return address if found.ipv4_mapped else found.exploded[:19]
