"""A reactor for one piece of work of one command.

Layer 7. Tests: tests/functional/commands/test_doctor.py, test_without_daemon.py.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet import reactor as installed
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from buildfarm.flow.steadytime import run_on_steady_time

T = TypeVar("T")

reactor: Any = installed


def run_in_reactor(main: Callable[[Any], Coroutine[Deferred[Any], Any, T]]) -> T:
    """The result of the coroutine that `main` makes of the reactor, which runs just for it.

    Once in a process. Raises what the coroutine raises, and KeyboardInterrupt where a signal was
    faster.
    """
    ended: list[T | Failure] = []
    over: Deferred[None] = Deferred()

    def begin() -> None:
        work = Deferred.fromCoroutine(main(reactor))
        reactor.addSystemEventTrigger("before", "shutdown", interrupt, work)
        work.addBoth(end)

    def interrupt(work: Deferred[Any]) -> Deferred[None]:
        work.cancel()
        return over

    def end(result: T | Failure) -> None:
        ended.append(result)
        over.callback(None)
        reactor.callLater(0, stop)

    def stop() -> None:
        with suppress(ReactorNotRunning):  # a signal has stopped it already
            reactor.stop()

    run_on_steady_time(reactor)
    reactor.callWhenRunning(begin)
    reactor.run()
    (result,) = ended
    if not isinstance(result, Failure):
        return result
    if result.check(CancelledError):
        raise KeyboardInterrupt
    result.raiseException()
    raise AssertionError("raiseException has raised")
