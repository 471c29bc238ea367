"""A reactor for one piece of work of one command.

Layer 7. Tests: tests/functional/commands/test_without_daemon.py.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

reactor: Any = installed


def run_in_reactor(main: Callable[[Any], Coroutine[Deferred[Any], Any, T]]) -> T:
    """The result of the coroutine that `main` makes of the reactor, which runs just for it.

    Once in a process. Raises what the coroutine raises, and KeyboardInterrupt where a signal was
    faster.
    """
    ended: list[T | Failure] = []

    def begin() -> None:
        work = Deferred.fromCoroutine(main(reactor))
        work.addBoth(end)
        reactor.addSystemEventTrigger("before", "shutdown", work.cancel)

    def end(result: T | Failure) -> None:
        ended.append(result)
        if reactor.running:
            reactor.callLater(0, _stop)

    reactor.callWhenRunning(begin)
    reactor.run()
    (result,) = ended
    if not isinstance(result, Failure):
        return result
    result.raiseException()
    raise AssertionError("raiseException raises")


def _stop() -> None:
    if reactor.running:
        reactor.stop()
