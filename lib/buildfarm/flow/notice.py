"""Layer 2: something that changes, and those who wait to hear of it.

Tests: tests/unit/flow/test_notice.py.
"""

from twisted.internet.defer import Deferred


class Notice:
    """Told to all who wait at that moment; whoever waits afterwards waits for the next one."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[None]] = []

    def when_given(self) -> Deferred[None]:
        """Fires at the next `give`; may be cancelled."""
        given: Deferred[None] = Deferred(self._withdraw)
        self._waiting.append(given)
        return given

    def give(self) -> None:
        """Tell everybody."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:  # what one of them does may have another give up
                one.callback(None)

    def _withdraw(self, given: Deferred[None]) -> None:
        if given in self._waiting:
            self._waiting.remove(given)
