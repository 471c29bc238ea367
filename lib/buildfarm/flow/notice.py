"""Layer 2: something that changes, and those who are told of it.

Tests: tests/unit/flow/test_notice.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Notice:
    """Tells everybody who listens at that moment."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[], None]] = {}

    @contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Have `listener` called at each `give` while this is entered; it must not raise."""
        key = object()
        self._listeners[key] = listener
        try:
            yield
        finally:
            del self._listeners[key]

    def give(self) -> None:
        """Tell them."""
        for listener in list(self._listeners.values()):
            listener()
