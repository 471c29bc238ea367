"""Layer 2: no wait without a deadline.

Tests: tests/unit/flow/test_deadlines.py.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred

from buildfarm.flow.reactors import Clock

T = TypeVar("T")


async def with_deadline(
    reactor: Clock,
    seconds: float,
    awaitable: Coroutine[Deferred[Any], Any, T] | Deferred[T],
    make_error: Callable[[], Exception],
) -> T:
    """The result of `awaitable`, or the error that `make_error` makes after `seconds`.

    At the deadline `awaitable` is cancelled and its end awaited, so that nothing of it goes on
    behind the caller's back: what does long work when it is cancelled delays the error. A result
    that it still gives then is returned; any error of its own becomes the cause of the new one.
    """
    waited_for = ensureDeferred(awaitable)
    late = False

    def give_up() -> None:
        nonlocal late
        late = True
        waited_for.cancel()

    timer = reactor.callLater(seconds, give_up)
    try:
        return await waited_for
    except Exception as error:
        if late:
            raise make_error() from error
        raise
    finally:
        if timer.active():
            timer.cancel()
