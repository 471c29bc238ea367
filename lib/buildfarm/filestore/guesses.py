"""How often an address has shown a token that is wrong.

Layer 3; tests in `tests/unit/filestore/test_guesses.py`. A token cannot be guessed; this keeps who
tries from costing much, and tells the operator.
"""

from collections import OrderedDict
from collections.abc import Callable

#: Wrong tokens of one address in a window, in seconds, before it is turned away; and how many
#: addresses are remembered at most.
MAX_WRONG = 20
WINDOW = 60.0
MAX_ADDRESSES = 1024


class Guesses:
    """Counts by address; `seconds` is a clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wrong(self, address: str) -> int:
        """Note one; how many there were in the window, with this one."""
        now = self._seconds()
        began, count = self._counts.pop(address, (now, 0))
        if now - began >= WINDOW:
            began, count = now, 0
        self._counts[address] = began, count + 1
        while len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)
        return count + 1
