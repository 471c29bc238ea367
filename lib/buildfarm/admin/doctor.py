"""What is found out about one builder without disturbing it: the answer of `doctor URL`.

Layer 5. Only the harmless part of the protocol is used: `info`, `status`, `echo`, and, while the
daemon is idle, `ensurepresent` of a small file of our own, since that call blocks the daemon.
Tests: tests/functional/commands/test_doctor.py.
"""

import hashlib
import math
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from statistics import median
from typing import Any

from buildfarm.builders.address import Endpoint
from buildfarm.builders.client import BuilderClient
from buildfarm.vocab.errors import BuilderError
from buildfarm.vocab.states import DaemonStatus
from buildfarm.vocab.text import one_line
from buildfarm.wire.builderrpc import Value

#: The only protocol version there is, and the build type that a farm of packages needs.
PROTOCOL = "1.0"
BUILD_TYPE = "binarypackage"

#: `status` calls whose median is the latency. A daemon answers in 1 ms when idle and in 2 to 3 ms
#: while it builds; the rest is the network.
CALLS = 20

#: Seconds in which the builder must have fetched the small file.
FETCH_DEADLINE = 30.0

_PROBE_SIZE = 4096
_ECHOED: list[Value] = ["farm", 7, True, {"nested": ["ä", None]}]


class Grade(Enum):
    """How good a finding is; the worst one is the builder's."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


#: The grade of a median latency: below how many milliseconds each is given.
_LATENCIES = {Grade.OK: 50.0, Grade.WARN: 1000.0, Grade.FAIL: math.inf}

#: What one check makes of the builder.
Found = tuple[Grade, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    grade: Grade
    sentence: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A small file that no builder has yet, for `ensurepresent`."""

    content: bytes = field(default_factory=lambda: secrets.token_bytes(_PROBE_SIZE))

    @property
    def sha1(self) -> str:
        """Its digest, as `ensurepresent` wants it."""
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()


class CountingEndpoint:
    """An endpoint that counts its connections, for the check whether they are kept."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.connections = 0

    def connect(self, factory: Any, /) -> Any:
        """Connect as the endpoint does."""
        self.connections += 1
        return self._endpoint.connect(factory)


def worst(findings: tuple[Finding, ...]) -> Grade:
    """The grade of a builder with these findings."""
    return max((finding.grade for finding in findings), key=list(Grade).index, default=Grade.OK)


class Doctor:
    """Examines the daemon behind `client`, which connects through `endpoint`.

    `seconds` is a clock. `probe_url` is where the builder finds `probe`, if that may be tried.
    """

    def __init__(
        self,
        client: BuilderClient,
        endpoint: CountingEndpoint,
        seconds: Callable[[], float],
        probe: Probe,
        probe_url: str | None,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._seconds = seconds
        self._probe = probe
        self._probe_url = probe_url
        self._idle = False
        self._findings: list[Finding] = []

    async def examine(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the checks; none follow where nobody answers `info`."""
        reached = await self._check("info", self._info)
        if not reached:
            return tuple(self._findings)
        await self._check("status", self._status)
        await self._check("echo", self._echo)
        await self._check("latency", self._latency)
        await self._check("keep-alive", self._keep_alive)
        await self._check("ensurepresent", self._fetch)
        return tuple(self._findings)

    async def _check(self, check: str, look: Callable[[], Awaitable[Found]]) -> bool:
        """Note what `look` finds, a builder's error too; whether the builder answered."""
        try:
            grade, sentence = await look()
        except BuilderError as error:
            self._findings.append(Finding(check, Grade.FAIL, one_line(str(error))))
            return False
        self._findings.append(Finding(check, grade, sentence))
        return True

    async def _info(self) -> Found:
        found = await self._client.fetch_info()
        text = f"protocol {one_line(found.protocol)}, {one_line(found.architecture)}"
        if found.protocol != PROTOCOL:
            return Grade.FAIL, f"{text}; {PROTOCOL} is needed"
        if BUILD_TYPE not in found.build_types:
            return Grade.FAIL, f"{text}; it builds no {BUILD_TYPE}"
        return Grade.OK, text

    async def _status(self) -> Found:
        seen = await self._client.fetch_status()
        self._idle = seen.status is DaemonStatus.IDLE
        version = f", version {one_line(seen.version)}" if seen.version else ""
        word = seen.status.value.removeprefix("BuilderStatus.")
        if self._idle:
            return Grade.OK, f"{word}{version}"
        return Grade.WARN, f"{word}{version}: it holds {one_line(seen.build_id or 'no build id')}"

    async def _echo(self) -> Found:
        if await self._client.echo(*_ECHOED) == _ECHOED:
            return Grade.OK, "what was sent came back"
        return Grade.FAIL, "something else than what was sent came back"

    async def _latency(self) -> Found:
        taken = []
        for _ in range(CALLS):
            before = self._seconds()
            await self._client.fetch_status()
            taken.append(self._seconds() - before)
        middle, longest = median(taken) * 1000, max(taken) * 1000
        grade = next(grade for grade, below in _LATENCIES.items() if middle < below)
        return grade, f"median {middle:.1f} ms, longest {longest:.1f} ms of {CALLS} status calls"

    async def _keep_alive(self) -> Found:
        opened = self._endpoint.connections
        if opened == 1:
            return Grade.OK, "one connection served every call"
        return Grade.WARN, f"{opened} connections were needed; does a proxy cut them?"

    async def _fetch(self) -> Found:
        if self._probe_url is None:
            return Grade.WARN, "not tried: we have no address to serve a file from"
        if not self._idle:
            return Grade.WARN, "not tried, since it could disturb a build"
        asked = (self._probe.sha1, self._probe_url, "", "", FETCH_DEADLINE)
        reply = await self._client.ensure_present(*asked)
        if not reply.present:
            return Grade.FAIL, (
                f"it could not fetch {self._probe_url}: {one_line(reply.text)}; "
                "chroots and sources are fetched the same way"
            )
        again = await self._client.ensure_present(*asked)
        cached = again.present and again.text == "Cache"
        words = f"{one_line(reply.text)}, then {one_line(again.text)}"
        return Grade.OK if cached else Grade.WARN, f"a file of {_PROBE_SIZE} bytes: {words}"
