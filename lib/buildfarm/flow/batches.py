"""Layer 2: requests that come while others are being carried out go together as one batch.

Alone, a request is carried out at once; under load one act serves many (a transaction that claims
builds for all idle builders instead of a transaction for each).

Tests: tests/unit/flow/test_batches.py.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

Request = TypeVar("Request")
Result = TypeVar("Result")


class Batcher(Generic[Request, Result]):
    """Carries requests out through `run_many`, one batch of at most `max_size` at a time.

    `run_many` gets the requests in the order of their coming and returns one result for each, in
    that order. When it fails, the members of that batch fail with its exception, nobody else.
    Waiting requests are as many as there are callers: each waits for its own.
    """

    def __init__(
        self,
        run_many: Callable[[Sequence[Request]], Awaitable[Sequence[Result]]],
        max_size: int = 100,
    ) -> None:
        self._run_many = run_many
        self._max_size = max_size
        self._waiting: dict[Deferred[Result], Request] = {}
        self._running = False

    @property
    def waiting(self) -> int:
        """How many requests wait for the next batch."""
        return len(self._waiting)

    async def submit(self, request: Request) -> Result:
        """Have `request` carried out with the next batch; its own result.

        Cancelled while it waits, it is not carried out; cancelled while its batch is in flight it
        is, and the result is dropped.
        """
        result: Deferred[Result] = Deferred(self._withdraw)
        self._waiting[result] = request
        if not self._running:
            self._running = True
            Deferred.fromCoroutine(self._run())
        return await result

    async def _run(self) -> None:
        while self._waiting:
            members = [*self._waiting][: self._max_size]
            requests = [self._waiting.pop(member) for member in members]
            try:
                results = await self._run_many(requests)
                if len(results) != len(members):
                    raise ValueError(f"{len(members)} requests got {len(results)} results.")
            except Exception as error:  # noqa: BLE001 - each member deals with it
                for member in members:
                    if not member.called:
                        member.errback(error)
            else:
                for member, result in zip(members, results, strict=True):
                    if not member.called:
                        member.callback(result)
        self._running = False

    def _withdraw(self, result: Deferred[Result]) -> None:
        self._waiting.pop(result, None)
