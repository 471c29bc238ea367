"""Samples, every few minutes."""

from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.sampler import INTERVAL, Sampler
from buildfarm.vocab.errors import StorageError


class _Storage:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.error: Exception | None = None

    async def write(self, act: Any, now: Any) -> None:
        self.taken.append(now)
        if self.error is not None:
            raise self.error


class SamplerTests(FarmTestCase):
    def test_one_now_and_one_every_few_minutes(self) -> None:
        """Also after one that could not be written; none any more once it is stopped."""
        storage: Any = _Storage()
        sampler = Sampler(self.clock, storage, self.utc_now)
        sampler.start()
        self.assertEqual(1, len(storage.taken))
        storage.error = StorageError("away")
        self.clock.advance(INTERVAL)
        self.clock.advance(INTERVAL)
        self.assertEqual(3, len(storage.taken))
        sampler.stop()
        self.clock.advance(INTERVAL)
        self.assertEqual(3, len(storage.taken))
        self.assertEqual([], self.clock.getDelayedCalls())
