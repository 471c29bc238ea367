"""Who follows a log is asked who they are, every now and then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_build
from buildfarm.statuspage.eventstream import QUIET
from buildfarm.statuspage.followed import FollowedBuild
from buildfarm.statuspage.logstream import LogStream
from buildfarm.storage.listings import ListedBuild
from buildfarm.vocab.states import BuildState


class _Events:
    """Notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, event: str, data: bytes, position: str = "") -> None:
        self.sent.append(event)

    def stay(self) -> None:
        self.sent.append("")


class _Logs:
    """No build has a log yet."""

    @asynccontextmanager
    async def opened(self, build: Any) -> AsyncIterator[None]:
        yield None


class LogStreamTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sees = True
        self.followed = FollowedBuild(ListedBuild(a_build(state=BuildState.BUILDING)))
        self.events: Any = _Events()
        logs: Any = _Logs()
        parts: Any = None
        stream = LogStream(
            self.clock,
            self.events,
            logs=logs,
            parts=parts,
            followed=self.followed,
            still_seen=self.still_seen,
        )
        self.running = Deferred.fromCoroutine(stream.run(0, 0, "BUILDING"))

    async def still_seen(self) -> bool:
        """Whether the viewer may see the build."""
        return self.sees

    def advance(self, seconds: int) -> None:
        """So many seconds, in each of which there is something new."""
        for _ in range(seconds):
            self.followed.changed.give()
            self.clock.pump([0.5, 0.5])

    def test_a_busy_log(self) -> None:
        """Whoever may not see the build any more is told nothing more, however much there is."""
        self.advance(int(QUIET) * 2)
        self.assertFalse(self.running.called)
        self.sees = False
        self.advance(int(QUIET) + 1)
        self.assertTrue(self.running.called)

    def test_a_change(self) -> None:
        """A change of the build may be one of who may see it: that is asked first."""
        self.sees = False
        self.followed.update(replace(self.followed.listed, private=True))
        self.clock.pump([0.5, 0.5])
        self.assertTrue(self.running.called)
        self.assertNotIn("build", self.events.sent)
