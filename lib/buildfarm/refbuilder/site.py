"""The daemon over HTTP: calls at `/rpc`, files below `/filecache`.

Beside the layers. Tests: tests/functional/refbuilder/test_site.py, and the contract suite in
tests/contract.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any, BinaryIO

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.pages import notFound
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from twisted.web.static import File, SingleRangeStaticProducer

from buildfarm.flow.quietsite import QuietSite
from buildfarm.refbuilder.daemon import Daemon
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.job import CallRefused
from buildfarm.wire.builderrpc import (
    FAULT_ERROR,
    FAULT_UNKNOWN_METHOD,
    MAX_BYTES,
    Call,
    Fault,
    MalformedMessage,
    decode_call,
    encode_fault,
    encode_reply,
)

#: Seconds after which an idle connection is closed: the genuine daemon's.
IDLE_TIMEOUT = 60

#: What every call is told that raised, whatever it was.
_ERROR = Fault(FAULT_ERROR, "error")


def make_site(reactor: Any, daemon: Daemon, cache: FileCache) -> Site:
    """What listens for a builder's clients."""
    root = Resource()
    calls: Any = CallResource(daemon)
    files: Any = FileCacheResource(cache)
    root.putChild(b"rpc", calls)
    root.putChild(b"filecache", files)
    return QuietSite(root, timeout=IDLE_TIMEOUT, reactor=reactor)


class CallResource(Resource):
    """Takes XML-RPC calls."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: dict[str, Callable[..., Any]] = {
            "echo": daemon.echo,
            "info": daemon.info,
            "status": daemon.status,
            "ensurepresent": daemon.ensurepresent,
            "build": daemon.build,
            "abort": daemon.abort,
            "clean": daemon.clean,
        }

    def render_POST(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        """Carry out the call in the body; its reply or its fault."""
        content: Any = request.content
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)
        answer = ensureDeferred(self._answer(content.read(MAX_BYTES + 1)))

        def send(body: bytes) -> None:
            if not gone:
                request.setHeader(b"content-type", b"text/xml")
                request.setHeader(b"content-length", b"%d" % len(body))
                request.write(body)
                request.finish()

        answer.addCallback(send)
        return NOT_DONE_YET

    async def _answer(self, body: bytes) -> bytes:
        try:
            call = decode_call(body)
        except MalformedMessage as error:
            return encode_fault(Fault(FAULT_ERROR, f"Can't deserialize input: {error!r:.200}"))
        if call.method not in self._calls:
            text = f"procedure {call.method!r:.200} not found"
            return encode_fault(Fault(FAULT_UNKNOWN_METHOD, text))
        try:
            return encode_reply(await self._carry_out(call))
        except CallRefused as error:
            self.log.info("{call} refused: {error}", call=call.method, error=error)
        except Exception:  # noqa: BLE001 - a fault for one call, not the end of the daemon
            self.log.failure("{call} failed", call=call.method)
        return encode_fault(_ERROR)

    async def _carry_out(self, call: Call) -> object:
        method = self._calls[call.method]
        try:
            inspect.signature(method).bind(*call.params)
        except TypeError as error:
            raise CallRefused(f"{call.method}: {error}") from error
        reply = method(*call.params)
        return await reply if inspect.isawaitable(reply) else reply


class FileCacheResource(Resource):
    """Serves log, results and inputs.

    In the reactor thread: one client fetches from one builder, mostly what was just written.
    """

    def __init__(self, cache: FileCache) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._cache = cache

    def getChild(self, path: bytes, request: Request) -> Any:  # noqa: N802 - Twisted's name
        """The file of this name, if it may be fetched."""
        served = self._cache.served(path.decode("ascii", "replace"))
        return notFound() if served is None else _CachedFile(str(served))


class _CachedFile(File):
    """A file that may grow while it is sent: what is sent ends where the headers said.

    Twisted's own goes on to the end of the file, and the client takes the rest for its next reply.
    """

    def makeProducer(self, request: Request, file: BinaryIO) -> Any:  # noqa: N802
        """What sends the file, or the part of it that is asked for."""
        if request.getHeader(b"range") is not None:
            return super().makeProducer(request, file)  # type: ignore[no-untyped-call]
        size = os.fstat(file.fileno()).st_size
        self._setContentHeaders(request, size)  # type: ignore[no-untyped-call]
        request.setResponseCode(http.OK)
        return SingleRangeStaticProducer(request, file, 0, size)
