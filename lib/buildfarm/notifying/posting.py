"""A webhook: one POST, which follows no redirect and reads no more of an answer than it needs.

Layer 4. Tests: tests/functional/notifying/test_webhooks.py.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from buildfarm.flow.deadlines import with_deadline
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.text import one_line

#: Bytes of an answer's body that are read, to be quoted where the answer is no success.
MAX_ANSWER = 500

#: The answer of a receiver that is not there any more and asks to be told nothing.
_GONE = 410


class Poster:
    """Posts bodies; each on a connection of its own, with the certificate of `https:` verified."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._agent: Any = Agent(reactor, BrowserLikePolicyForHTTPS())

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> None:
        """Return once the receiver has answered with a success (2xx), within `deadline` seconds.

        Raises DeliveryRefused for 410, DeliveryFailed for everything else.
        """

        def too_late() -> Exception:
            return DeliveryFailed(f"It did not answer within {deadline:g} s.")

        try:
            await with_deadline(self._reactor, deadline, self._post(url, headers, body), too_late)
        except FarmError:
            raise
        except ResponseFailed as error:
            reasons = ", ".join(one_line(one.getErrorMessage()) for one in error.reasons)
            raise DeliveryFailed(f"It broke off: {reasons}.") from error
        except Exception as error:
            # The library raises what it likes: all of it means that nobody has answered.
            words = one_line(str(error)) or type(error).__name__
            raise DeliveryFailed(f"It cannot be reached: {words}.") from error

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        raw = Headers({name: [value] for name, value in headers.items()})
        response = await self._agent.request(b"POST", url.encode(), raw, _Body(body))
        succeeded = 200 <= response.code < 300
        answer = _Beginning(0 if succeeded else MAX_ANSWER)
        response.deliverBody(answer)
        said = await answer.ended
        if succeeded:
            return
        words = f": {one_line(said.decode(errors='replace'), 200)}" if said else ""
        kind = DeliveryRefused if response.code == _GONE else DeliveryFailed
        raise kind(f"It answers {response.code}{words}.")


@implementer(IBodyProducer)
class _Body:
    """A body that is at hand."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: Any) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Write all of it."""
        consumer.write(self._body)
        return succeed(None)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It is written already."""

    pauseProducing = resumeProducing = stopProducing  # noqa: N815 - Twisted's names


class _Beginning(Protocol):
    """The first bytes of an answer; the connection is closed after these."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._read = b""
        self.ended: Deferred[bytes] = Deferred(self._give_up)

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The head has been read."""
        if not self._limit:
            self._close()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep what there is room for."""
        self._read += data[: self._limit - len(self._read)]
        if len(self._read) >= self._limit:
            self._close()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802 - Twisted's name
        """However it ended, this was its beginning."""
        if not self.ended.called:
            self.ended.callback(self._read)

    def _give_up(self, ended: Deferred[bytes]) -> None:
        self._close()

    def _close(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()
