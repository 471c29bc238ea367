"""What happens to one build, as events: new lines of its log, and its changes.

Layer 5. Tests: tests/unit/statuspage/test_logstream.py, tests/functional/statuspage/test_logs.py.

| event | data | what it says |
| --- | --- | --- |
| `log` | a part, as JSON | these lines follow |
| `gap` | a part, as JSON | more came than one follows: these lines are at the end now |
| `restart` | the attempt's number | another attempt has begun: its log begins at 0 |
| `build` | the state | something of the build has changed: look at the page again |
| `end` | the state | nothing more will happen by itself |

An event's id is `ATTEMPT:BYTE`, and a viewer that comes again with it goes on from there. The log
of an attempt that has left its builder goes on in the file store, at the same place.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from buildfarm.flow.wakeup import Wakeup
from buildfarm.statuspage.buildlogs import PASSING, BuildLogs
from buildfarm.statuspage.eventstream import QUIET, EventStream
from buildfarm.statuspage.followed import FollowedBuild
from buildfarm.statuspage.logparts import PIECE, Log
from buildfarm.statuspage.mirrors import Mirror
from buildfarm.statuspage.toldparts import ToldParts
from buildfarm.storage.listings import ListedBuild
from buildfarm.vocab.build import BuildSnapshot

#: Bytes that a viewer may be behind; one that is further is shown the end.
_BEHIND = 4 * PIECE


class LogStream:
    """One viewer of one build. `still_seen` says whether they may still see it."""

    def __init__(
        self,
        reactor: Any,
        events: EventStream,
        *,
        logs: BuildLogs,
        parts: ToldParts,
        followed: FollowedBuild,
        still_seen: Callable[[], Awaitable[bool]],
    ) -> None:
        self._reactor = reactor
        self._events = events
        self._logs = logs
        self._parts = parts
        self._followed = followed
        self._still_seen = still_seen
        self._wakeup = Wakeup(reactor)
        self._asked = reactor.seconds()
        self._leaving = False
        self._attempt = 0
        self._place = 0

    def leave(self) -> None:
        """End soon: the farm stops, or the viewer is gone."""
        self._leaving = True
        self._wakeup.wake()

    async def run(self, attempt: int, place: int, state: str) -> None:
        """Tell what comes after this byte of this attempt's log, until nothing more can come.

        `state` is what the viewer believes the build to be in.
        """
        self._attempt, self._place = attempt, place
        with self._followed.changed.telling(self._wakeup.wake):
            told = self._followed.listed
            if told.build.state.value != state:
                await self._events.send("build", told.build.state.value.encode())
            while not self._leaving:
                async with self._logs.opened(told.build) as log:
                    await self._tell_log(told, log)
                if told is not self._followed.listed:
                    told = self._followed.listed
                    if not await self._ask():
                        return
                    await self._events.send("build", told.build.state.value.encode())
                elif told.build.state not in PASSING:
                    await self._events.send("end", told.build.state.value.encode())
                    return

    async def _tell_log(self, told: ListedBuild, log: Log | None) -> None:
        """Tell the log until the build is not as `told` any more; of one that has ended, once."""
        build = told.build
        if build.attempt_count != self._attempt:
            self._attempt, self._place = build.attempt_count, 0
            await self._events.send("restart", str(self._attempt).encode(), f"{self._attempt}:0")
        if isinstance(log, Mirror):
            with log.changed.telling(self._wakeup.wake):
                while self._followed.listed is told and not self._leaving:
                    await self._tell_what_is_there(build, log)
                    await self._rest()
            return
        if log is not None:
            await self._tell_what_is_there(build, log)
        if build.state in PASSING and self._followed.listed is told:
            await self._rest()

    async def _tell_what_is_there(self, build: BuildSnapshot, log: Log) -> None:
        if log.size - self._place > _BEHIND:
            if isinstance(log, Mirror) and not log.caught_up:
                return  # the end of what has been copied is not yet where the builder is
            last = await self._parts.before(build, log, log.size)
            await self._tell("gap", last.part.end, last.json)
        while self._place < log.size and not self._leaving:
            following = await self._parts.after(build, log, self._place)
            await self._tell("log", following.part.end, following.json)

    async def _tell(self, event: str, place: int, data: bytes) -> None:
        self._place = place
        await self._events.send(event, data, f"{self._attempt}:{place}")

    async def _rest(self) -> None:
        if not await self._wakeup.sleep(QUIET):
            self._events.stay()
        # However busy the log is.
        if self._reactor.seconds() - self._asked >= QUIET and not await self._ask():
            self._leaving = True

    async def _ask(self) -> bool:
        """Whether the viewer may still see the build, asked now."""
        self._asked = self._reactor.seconds()
        return await self._still_seen()
