"""Layer 2: a number of places for work that peers ask for, of which no peer gets all.

With a semaphore, one peer that keeps its places for as long as it may keeps everybody out, and one
that asks often is served before all who came later. Here a peer has at most its share, and where
several wait, they are served in turns.

Tests: tests/unit/flow/test_peerplaces.py.
"""

from collections import Counter, OrderedDict, deque

from twisted.internet.defer import Deferred


def share_of(count: int) -> int:
    """How many of `count` one peer may have: three quarters, since many may stand behind one."""
    return max(1, count * 3 // 4)


class PeerPlaces:
    """`count` places; a peer, which is known by its name, has at most `share_of` them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._held: Counter[str] = Counter()
        #: Who waits, by peer; the peer whose turn it is comes first.
        self._waiting: OrderedDict[str, deque[Deferred[None]]] = OrderedDict()
        self._serving = False

    def acquire(self, peer: str) -> Deferred[None]:
        """Fires when `peer` has a place; who cancels it leaves the line."""
        place: Deferred[None] = Deferred(lambda one: self._leave(peer, one))
        self._waiting.setdefault(peer, deque()).append(place)
        self._serve()
        return place

    def release(self, peer: str) -> None:
        """`peer` gives one of its places back."""
        self._held[peer] -= 1
        if not self._held[peer]:
            del self._held[peer]
        self._serve()

    def _serve(self) -> None:
        """Give places away, in a loop: work that ends at once gives its place back from in here."""
        if self._serving:
            return
        self._serving = True
        try:
            while (peer := self._next()) is not None:
                line = self._waiting.pop(peer)
                place = line.popleft()
                if line:
                    self._waiting[peer] = line
                self._held[peer] += 1
                place.callback(None)
        finally:
            self._serving = False

    def _next(self) -> str | None:
        """Whose turn it is, if there is a place for anybody who waits."""
        if self._held.total() >= self.count:
            return None
        share = share_of(self.count)
        return next((peer for peer in self._waiting if self._held[peer] < share), None)

    def _leave(self, peer: str, place: Deferred[None]) -> None:
        line = self._waiting[peer]
        line.remove(place)
        if not line:
            del self._waiting[peer]
