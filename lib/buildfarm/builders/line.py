"""The line to a builder: one connection that is kept, and opened again when it has to be.

Layer 3; used by `builders.client`. Tests: tests/unit/builders/test_client.py.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.protocol import Factory

from buildfarm.builders.address import Endpoint
from buildfarm.builders.connection import Connection, ConnectionFoundClosed, Sink
from buildfarm.flow.reactors import Clock
from buildfarm.vocab.errors import BuilderUnreachable

C = TypeVar("C", bound=Connection)


class Line(Generic[C]):
    """Exchanges with the builder at `endpoint`, one at a time, over one connection at a time.

    `name` is the builder's for messages; `kind` makes its connections. Connecting, the look-up of
    its name included, may take `connect_timeout` seconds, on top of the deadline of the exchange.
    """

    def __init__(
        self,
        reactor: Clock,
        endpoint: Endpoint,
        name: str,
        connect_timeout: float,
        kind: Callable[[Clock, str], C],
    ) -> None:
        self._reactor = reactor
        self._endpoint = endpoint
        self._name = name
        self._connect_timeout = connect_timeout
        self._connection: C | None = None
        self._factory = Factory.forProtocol(lambda: kind(reactor, name))
        self._factory.noisy = False

    @property
    def connection(self) -> C | None:
        """The kept connection, if there is one that can be used."""
        connection = self._connection
        return connection if connection is not None and connection.usable else None

    async def exchange(
        self, request: bytes, sink: Sink, seconds: float, what: str, *, repeatable: bool
    ) -> None:
        """Send `request` and fill `sink`, connecting first where no connection is kept.

        A `repeatable` request is sent once more, on a new connection, when the kept one turns out
        to have been closed. Raises BuilderError.
        """
        connection = self.connection or await self._connect(what)
        try:
            await connection.exchange(request, sink, seconds, what)
        except ConnectionFoundClosed:
            if not repeatable:
                raise
            connection = await self._connect(what)
            await connection.exchange(request, sink, seconds, what)

    async def exchange_on_kept(self, request: bytes, sink: Sink, seconds: float, what: str) -> None:
        """Send `request` on the connection of the exchange before this one, or not at all.

        Raises BuilderError, with `sent` false where nothing was sent because that connection had
        been closed.
        """
        connection = self.connection
        if connection is None:
            raise BuilderUnreachable(
                f"{self._name} closed the connection before `{what}` was sent on it", sent=False
            )
        await connection.exchange(request, sink, seconds, what)

    def pause(self) -> None:
        """Stop reading what the exchange under way brings, until `resume`."""
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Read again after `pause`."""
        if self._connection is not None:
            self._connection.resume()

    def close(self) -> None:
        """Close the kept connection; an exchange under way fails with BuilderUnreachable."""
        if self._connection is not None:
            self._connection.close()

    async def _connect(self, what: str) -> C:
        connecting: Deferred[C] = self._endpoint.connect(self._factory)
        connecting.addTimeout(self._connect_timeout, self._reactor)  # type: ignore[arg-type]
        try:
            self._connection = await connecting
        except CancelledError:
            raise
        except DeferredTimeout as error:
            raise self._unreachable(
                what, f"no answer within {self._connect_timeout:g} s"
            ) from error
        except Exception as error:
            raise self._unreachable(what, str(error)) from error
        return self._connection

    def _unreachable(self, what: str, why: str) -> BuilderUnreachable:
        return BuilderUnreachable(
            f"{self._name} could not be connected to for `{what}`: {why}", sent=False
        )
