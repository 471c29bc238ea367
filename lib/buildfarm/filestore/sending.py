"""A web resource whose answers are files: bounded in number, each on its own.

Layer 3; tests in `tests/functional/filestore/test_resource.py`.

A whole farm may ask in the same second, after a restart for one: requests beyond those that are
answered at once wait in line for a while, since a build daemon that is refused does not ask again.
No address has all places, or all of the line: a builder that reads as slowly as it may keeps no
other from its files.
"""

from abc import ABC, abstractmethod
from collections import Counter
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.filestore.replies import Reply
from buildfarm.flow.peerplaces import PeerPlaces, share_of
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import Stopped

_log = Logger()

#: Seconds after which a client that was refused for want of room may ask again.
RETRY_AFTER = 10

#: Requests that wait in line, for each that is answered at once.
WAITING_PER_PLACE = 16

#: Seconds that a request waits at most: half of what a builder is given for a small file.
PATIENCE = 30.0

_METHODS = (b"GET", b"HEAD")


class SendingResource(Resource, ABC):
    """Answers GET and HEAD, at most `max_downloads` at once; others wait in line, in their order.

    For whom the line is too long, or does not move, it is 503 and `Retry-After`. A subclass gives
    `answer`. An error in it ends this request only: 500, or a cut connection where the answer had
    begun. `downloads` is the number of those under way, in line or not.
    """

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, reactor: Clock, workers: Workers, max_downloads: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.downloads = 0
        self._reactor = reactor
        self._workers = workers
        self._places = PeerPlaces(max_downloads)
        self._by_address: Counter[str] = Counter()

    @abstractmethod
    async def answer(self, reply: Reply) -> None:
        """Answer one request; its path is `reply.path`."""

    def render(self, request: Request) -> int:
        """Begin to answer, or say at once what cannot be answered."""
        reply = Reply(self._reactor, self._workers, request)
        address, line = _address_of(request), self._places.count * (1 + WAITING_PER_PLACE)
        if request.method not in _METHODS:
            allow = ", ".join(method.decode() for method in _METHODS)
            sentence = "Files can only be read here."
            reply.refuse(HTTPStatus.METHOD_NOT_ALLOWED, sentence, allow=allow)
        elif self.downloads >= line or self._by_address[address] >= share_of(line):
            self._send_away(reply)
        else:
            self.downloads += 1
            self._by_address[address] += 1
            Deferred.fromCoroutine(self._answer_in_turn(reply, address))
        return NOT_DONE_YET

    async def _answer_in_turn(self, reply: Reply, address: str) -> None:
        place = self._places.acquire(address)
        if not place.called:
            place.addTimeout(PATIENCE, self._reactor)  # type: ignore[arg-type]
            reply.request.notifyFinish().addErrback(lambda _: place.cancel())
        try:
            await place
        except DeferredTimeout:
            self._send_away(reply)
        except CancelledError:
            pass  # it has hung up
        else:
            await self._answer_alone(reply)
            self._places.release(address)
        finally:
            self.downloads -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def _send_away(self, reply: Reply) -> None:
        sentence = f"{self.downloads} downloads are under way; come back later."
        status = HTTPStatus.SERVICE_UNAVAILABLE
        reply.refuse(status, sentence, retry_after=str(RETRY_AFTER))

    async def _answer_alone(self, reply: Reply) -> None:
        try:
            await self.answer(reply)
        except Stopped:
            reply.abort()
        except Exception:  # noqa: BLE001 - an error must not spread beyond its request
            _log.failure("A request for {uri} failed", uri=reply.request.uri)
            if reply.request.startedWriting:
                reply.abort()
            else:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                reply.refuse(status, "The manager could not answer this request.")


def _address_of(request: Request) -> str:
    """Who asks; all who come by a socket file are one."""
    client: Any = request.getClientAddress()
    return str(getattr(client, "host", ""))
