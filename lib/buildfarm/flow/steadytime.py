"""Layer 2: a reactor whose time does not jump.

Twisted reads the wall clock, so that an hour by which it is set back would be an hour in which no
deadline comes. Every entry point makes this change first. Tests:
tests/functional/flow/test_steadytime.py.
"""

import time
from typing import Any


def run_on_steady_time(reactor: Any) -> None:
    """Have `reactor` count its seconds steadily, whatever the wall clock is set to.

    Before anything is scheduled: what was is counted by the other clock.
    """
    reactor.seconds = time.monotonic
