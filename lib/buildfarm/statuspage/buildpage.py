"""`/builds/ID`: one build, its life, its log, and what can be done with it.

Layer 5. Tests: tests/functional/statuspage/test_builds.py, tests/functional/browser.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from buildfarm.statuspage.answers import Answer, View, missing
from buildfarm.statuspage.buildacts import offered
from buildfarm.statuspage.buildfacts import BuildFacts, build_facts
from buildfarm.statuspage.buildlogs import PASSING, BuildLogs
from buildfarm.statuspage.followed import FollowedBuilds
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.logpages import caught_up, place_in
from buildfarm.statuspage.logparts import LogPart
from buildfarm.statuspage.mirrors import Mirror, TooManyLogs
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.sight import build_id, is_seen
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.statuspage.timeline import LENGTH, timeline
from buildfarm.statuspage.toldparts import ToldParts
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import Deed, private_seen, refusal
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.statewords import STATES, attempt_words

#: Seconds for which the page waits for the log of a running build that nobody has looked at yet.
PATIENCE = 0.5

#: Builders that are told of why they do not take a build; a farm may have thousands.
MAX_BUILDERS = 30


class BuildPage:
    """The page."""

    def __init__(
        self,
        reactor: Any,
        storage: Transactor,
        live: Live,
        utc_now: Callable[[], datetime],
        *,
        logs: BuildLogs,
        parts: ToldParts,
        followed: FollowedBuilds,
    ) -> None:
        self._reactor = reactor
        self._storage = storage
        self._live = live
        self._utc_now = utc_now
        self._logs = logs
        self._parts = parts
        self._followed = followed
        self._facts = Snapshots(reactor, at_once=2)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where it is."""
        return (Route("/builds/{id}", self._show),)

    def forget(self) -> None:
        """Read again what is shown."""
        self._facts.forget()

    async def _show(self, visit: Visit) -> Answer:
        number, seen = build_id(visit), private_seen(visit.visitor)
        if visit.visitor.person is None:
            # Who was told that something has changed must not be shown how it was before.
            key = number, seen, self._followed.latest(number)
            facts = await self._facts.get(key, lambda: self._read(number, seen))
        else:  # they may have done something just now, and want to see it
            facts = await self._read(number, seen)
        if facts is None or not is_seen(visit.visitor, facts.listed):
            raise missing("such build")
        build = facts.listed.build
        part, is_last = await self._log_part(visit, build)
        values = {
            "facts": facts,
            "build": build,
            "state": STATES[build.state],
            "attempt_words": attempt_words,
            "is_passing": build.state in PASSING,
            "start": _start(facts),
            "builders": facts.why.builders[:MAX_BUILDERS],
            "picture": timeline(build, facts.attempts, facts.time, facts.queued),
            "length": LENGTH,
            "part": part,
            "is_last": is_last,
            "acts": offered(visit.visitor, build),
            "may_fetch": facts.is_published
            or refusal(visit.visitor, Deed.RETRY, build.archive) is None,
        }
        return View("build.html", values)

    async def _read(self, number: int, seen: frozenset[str] | None) -> BuildFacts | None:
        return await self._storage.read(
            build_facts,
            number,
            self._utc_now(),
            pauses=self._live.pauses(),
            troubles=self._live.troubles(),
            seen=seen,
        )

    async def _log_part(self, visit: Visit, build: BuildSnapshot) -> tuple[LogPart | None, bool]:
        """The lines that the page shows, the last ones unless asked otherwise; and whether it is.

        None where there is no log, or too many are looked at.
        """
        before, start = place_in(visit, "before"), place_in(visit, "from")
        with suppress(TooManyLogs):
            async with self._logs.opened(build) as log:
                if log is None:
                    return None, True
                if isinstance(log, Mirror):
                    await caught_up(self._reactor, log, PATIENCE)
                if start is not None:
                    told = await self._parts.after(build, log, start)
                    return told.part, False
                is_last = before is None
                told = await self._parts.before(build, log, log.size if is_last else before or 0)
                return told.part, is_last
        return None, True


def _start(facts: BuildFacts) -> datetime | None:
    """When a waiting build will probably start."""
    seconds = facts.why.estimated_start
    return None if seconds is None else facts.time + timedelta(seconds=seconds)
