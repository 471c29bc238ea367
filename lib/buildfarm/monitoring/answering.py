"""Answers that are made later and belong to the moment.

Layer 5. Tests: tests/unit/monitoring.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

PLAIN = "text/plain; charset=utf-8"

_log = Logger()


def answer_later(
    request: Request,
    answer: Callable[[], Coroutine[Deferred[Any], Any, tuple[int, bytes]]],
    content_type: str,
) -> None:
    """Send the status and body that `answer` gives, unless the client goes away first."""
    answering = Deferred.fromCoroutine(answer())
    gone = request.notifyFinish()
    gone.addErrback(lambda _failure: answering.cancel())

    def send(result: tuple[int, bytes]) -> None:
        status, body = result
        request.setResponseCode(status)
        request.setHeader("content-type", content_type)
        request.setHeader("content-length", str(len(body)))
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-content-type-options", "nosniff")
        if request.method != b"HEAD":
            request.write(body)
        request.finish()

    def failed(failure: Failure) -> None:
        if request._disconnected:  # noqa: SLF001 - Twisted has no other name for it
            return
        _log.failure("what watches over the farm was not answered", failure)
        send((500, b"The farm has failed to answer.\n"))

    answering.addCallback(send)
    answering.addErrback(failed)
