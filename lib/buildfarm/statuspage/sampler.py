"""Takes a sample of the farm every minute, for the chart.

Layer 5. Tests: tests/unit/statuspage/test_sampler.py.
"""

from collections.abc import Callable
from datetime import datetime

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage.samples import take_sample
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.errors import FarmError

#: Seconds between two samples: a day is 1,440 of them.
INTERVAL = 60.0


class Sampler:
    """Writes samples, from `start` until `stop`."""

    log = Logger()

    def __init__(
        self, reactor: Clock, storage: Transactor, utc_now: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._utc_now = utc_now
        self._wakeup = Wakeup(reactor)
        self._running: Deferred[None] = succeed(None)

    def start(self) -> None:
        """Take the first sample now."""
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def stop(self) -> None:
        """Take no more."""
        self._running.cancel()

    async def _run(self) -> None:
        while True:
            try:
                await self._storage.write(take_sample, self._utc_now())
            except FarmError as error:
                self.log.warn("no sample of the farm was taken: {error}", error=error)
            await self._wakeup.sleep(INTERVAL)
