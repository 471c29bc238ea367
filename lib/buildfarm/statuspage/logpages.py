"""A build's log, for people and programs: `/builds/ID/log`, and its parts below that.

| path | what |
| --- | --- |
| `/builds/ID/log` | the whole text, or the range of it that is asked for |
| `/builds/ID/log/part?before=N`, `?from=N` | some lines that end or begin at byte N, as JSON |
| `/builds/ID/log/events?from=N&attempt=A` | what comes after byte N, as it comes |

The text is what the builder wrote, but for secrets; in parts and events control characters are
escaped, and colours told as classes. The text of a running build is what there is by now.

Layer 5. Tests: tests/functional/statuspage/test_logs.py.
"""

import io
from functools import partial
from http import HTTPStatus
from typing import Any

from buildfarm.filestore.replies import OpenedFile, Reply
from buildfarm.flow.threads import Workers
from buildfarm.flow.wakeup import Wakeup
from buildfarm.identity.gate import Gate
from buildfarm.statuspage import answers
from buildfarm.statuspage.answers import TEXT, Answer, Declined, Stream
from buildfarm.statuspage.buildlogs import BuildLogs
from buildfarm.statuspage.eventstream import EventStream
from buildfarm.statuspage.followed import FollowedBuilds
from buildfarm.statuspage.logstream import LogStream
from buildfarm.statuspage.mirrors import Mirror, TooManyLogs
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.shares import Shares
from buildfarm.statuspage.sight import fetch_seen, is_seen
from buildfarm.statuspage.toldparts import ToldParts
from buildfarm.storage.listings import ListedBuild
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import FarmError

#: Seconds for which the text of a running build waits until all of it has been copied.
PATIENCE = 20.0

#: Texts that are sent at once, and viewers that follow.
MAX_TEXTS = 64
MAX_VIEWERS = 1000

_NO_LOG = "This build has no log, or none any more."
_BUSY = "Too many logs are being sent; come back in a moment."
_RETRY_AFTER = "10"

#: No log has more bytes than a number of so many digits.
_DIGITS = 15


async def caught_up(reactor: Any, mirror: Mirror, seconds: float) -> None:
    """Return once the builder has had nothing more to copy, or after so many seconds."""
    give_up = reactor.seconds() + seconds
    wakeup = Wakeup(reactor)
    with mirror.changed.telling(wakeup.wake):
        while not mirror.caught_up and (left := give_up - reactor.seconds()) > 0:
            await wakeup.sleep(left)


def place_in(visit: Visit, name: str) -> int | None:
    """The byte that the query names so; None where it names none. Raises Declined for nonsense."""
    text = visit.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Declined(HTTPStatus.BAD_REQUEST, f"“{name}” has to be a number.")
    return int(text)


class LogPages:
    """The three of them."""

    def __init__(
        self,
        reactor: Any,
        storage: Transactor,
        workers: Workers,
        *,
        gate: Gate,
        logs: BuildLogs,
        parts: ToldParts,
        followed: FollowedBuilds,
    ) -> None:
        self._reactor = reactor
        self._storage = storage
        self._workers = workers
        self._gate = gate
        self._logs = logs
        self._parts = parts
        self._followed = followed
        self._streams: set[LogStream] = set()
        self._texts = Shares(MAX_TEXTS)
        self._viewers = Shares(MAX_VIEWERS)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where they are."""
        return (
            Route("/builds/{id}/log", self._show_text),
            Route("/builds/{id}/log/part", self._show_part),
            Route("/builds/{id}/log/events", self._show_events),
        )

    def stop(self) -> None:
        """Tell those who follow nothing more."""
        for stream in self._streams:
            stream.leave()

    async def _show_text(self, visit: Visit) -> Answer:
        listed = await fetch_seen(self._storage, visit)
        if not self._texts.has_place(visit.address):
            raise _busy(_BUSY)
        return Stream(partial(self._send_text, listed.build, visit.address))

    async def _send_text(self, build: BuildSnapshot, address: str, request: Any) -> None:
        reply = Reply(self._reactor, self._workers, request)
        try:
            with self._texts.taken(address):
                await self._send_opened(build, reply)
        except TooManyLogs as error:
            reply.refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error), retry_after=_RETRY_AFTER)

    async def _send_opened(self, build: BuildSnapshot, reply: Reply) -> None:
        async with self._logs.opened(build) as log:
            if log is None:
                reply.refuse(HTTPStatus.NOT_FOUND, _NO_LOG)
                return
            if isinstance(log, Mirror):
                await caught_up(self._reactor, log, PATIENCE)
            etag = f"{build.id}-{build.attempt_count}-{log.size}"
            text = OpenedFile(io.BytesIO(), log.size, etag, TEXT, read=log.read)
            await reply.send(text)

    async def _show_part(self, visit: Visit) -> Answer:
        listed = await fetch_seen(self._storage, visit)
        before, start = place_in(visit, "before"), place_in(visit, "from")
        try:
            async with self._logs.opened(listed.build) as log:
                if log is None:
                    raise Declined(HTTPStatus.NOT_FOUND, _NO_LOG)
                if before is None:
                    told = await self._parts.after(listed.build, log, start or 0)
                else:
                    told = await self._parts.before(listed.build, log, before)
        except TooManyLogs as error:
            raise _busy(str(error)) from error
        return answers.Reply(told.json, "application/json")

    async def _show_events(self, visit: Visit) -> Answer:
        listed = await fetch_seen(self._storage, visit)
        if not self._viewers.has_place(visit.address):
            raise _busy(_BUSY)
        attempt, place = place_in(visit, "attempt") or 0, place_in(visit, "from") or 0
        last = visit.headers.get("last-event-id", "").split(":")
        if len(last) == 2 and all(part.isascii() and part.isdigit() for part in last):
            attempt, place = int(last[0][:_DIGITS]), int(last[1][:_DIGITS])
        state = visit.query.get("state", "")
        known = attempt, place, state
        return Stream(partial(self._send_events, listed, known, visit.address))

    async def _send_events(
        self, listed: ListedBuild, known: tuple[int, int, str], address: str, request: Any
    ) -> None:
        events = EventStream(self._reactor, request)
        events.begin()
        if request.method == b"HEAD":
            events.end()
            return
        with self._viewers.taken(address), self._followed.following(listed) as followed:

            async def still_seen() -> bool:
                try:
                    return is_seen(await self._gate.either(request), followed.listed)
                except FarmError:
                    return False

            stream = LogStream(
                self._reactor,
                events,
                logs=self._logs,
                parts=self._parts,
                followed=followed,
                still_seen=still_seen,
            )
            self._streams.add(stream)
            request.notifyFinish().addErrback(lambda _failure: stream.leave())
            try:
                await stream.run(*known)
            except TooManyLogs as error:
                await events.send("refused", str(error).encode())
            finally:
                self._streams.discard(stream)
        events.end()


def _busy(sentence: str) -> Declined:
    return Declined(HTTPStatus.SERVICE_UNAVAILABLE, sentence, {"Retry-After": _RETRY_AFTER})
