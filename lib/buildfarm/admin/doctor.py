"""What is found out about one builder without disturbing it: the answer of `doctor URL`.

Layer 5. Only the harmless part of the protocol is used: `info`, `status`, `echo`, and, while the
daemon is idle, `ensurepresent` of a small file of our own, since that call blocks the daemon.
Tests: tests/functional/admin/test_doctor.py.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from statistics import median
from typing import Any

from buildfarm.builders.address import Endpoint
from buildfarm.builders.client import BuilderClient
from buildfarm.vocab.errors import BuilderError
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import DaemonStatus
from buildfarm.vocab.text import one_line

#: The only protocol version there is, and the build type that a farm of packages needs.
PROTOCOL = "1.0"
BUILD_TYPE = "binarypackage"

#: `status` calls whose median is the latency, and what is good and what is bad, in seconds. A
#: daemon answers in 1 ms when idle and in 2 to 3 ms while it builds; the rest is the network.
CALLS = 20
GOOD_LATENCY = 0.05
BAD_LATENCY = 1.0

#: Seconds in which the builder must have fetched the small file.
FETCH_DEADLINE = 30.0

_PROBE_SIZE = 4096
_ECHOED = ["farm", 7, True, {"nested": ["ä", None]}]


class Grade(Enum):
    """How good a finding is; the worst one is the builder's."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


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
        self._findings: list[Finding] = []

    async def examine(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the checks; the first failure to connect is the last."""
        if not await self._info():
            return tuple(self._findings)
        seen = await self._status()
        await self._echo()
        await self._latency()
        self._keep_alive()
        if seen is not None:
            await self._fetch(seen)
        return tuple(self._findings)

    def _note(self, check: str, grade: Grade, sentence: str) -> None:
        self._findings.append(Finding(check, grade, sentence))

    @contextmanager
    def _checking(self, check: str) -> Iterator[None]:
        """A builder's error ends this check, and is its finding."""
        try:
            yield
        except BuilderError as error:
            self._note(check, Grade.FAIL, one_line(str(error)))

    async def _info(self) -> bool:
        with self._checking("info"):
            found = await self._client.fetch_info()
            text = f"protocol {one_line(found.protocol)}, {one_line(found.architecture)}"
            if found.protocol != PROTOCOL:
                self._note("info", Grade.FAIL, f"{text}; {PROTOCOL} is needed")
            elif BUILD_TYPE not in found.build_types:
                self._note("info", Grade.FAIL, f"{text}; it builds no {BUILD_TYPE}")
            else:
                self._note("info", Grade.OK, text)
            return True
        return False

    async def _status(self) -> Observation | None:
        with self._checking("status"):
            seen = await self._client.fetch_status()
            version = f", version {one_line(seen.version)}" if seen.version else ""
            word = seen.status.value.removeprefix("BuilderStatus.")
            if seen.status is DaemonStatus.IDLE:
                self._note("status", Grade.OK, f"{word}{version}")
            else:
                job = one_line(seen.build_id or "a job without an id")
                self._note("status", Grade.WARN, f"{word}{version}: it holds {job}")
            return seen
        return None

    async def _echo(self) -> None:
        with self._checking("echo"):
            answer = await self._client.echo(*_ECHOED)
            if answer == _ECHOED:
                self._note("echo", Grade.OK, "what was sent came back")
            else:
                self._note("echo", Grade.FAIL, "something else than what was sent came back")

    async def _latency(self) -> None:
        with self._checking("latency"):
            taken = [await self._timed(self._client.fetch_status) for _ in range(CALLS)]
            middle, longest = median(taken), max(taken)
            grade = Grade.OK if middle < GOOD_LATENCY else Grade.WARN
            if middle >= BAD_LATENCY:
                grade = Grade.FAIL
            self._note(
                "latency",
                grade,
                f"median {middle * 1000:.1f} ms, longest {longest * 1000:.1f} ms "
                f"of {CALLS} status calls",
            )

    def _keep_alive(self) -> None:
        opened = self._endpoint.connections
        if opened == 1:
            self._note("keep-alive", Grade.OK, "one connection served every call")
        else:
            self._note(
                "keep-alive",
                Grade.WARN,
                f"{opened} connections were needed; does a proxy cut them?",
            )

    async def _fetch(self, seen: Observation) -> None:
        check = "ensurepresent"
        if self._probe_url is None:
            self._note(check, Grade.WARN, "not tried: there is no address to serve a file from")
            return
        if seen.status is not DaemonStatus.IDLE:
            self._note(check, Grade.WARN, "not tried, since it would disturb the build")
            return
        with self._checking(check):
            reply = await self._client.ensure_present(
                self._probe.sha1, self._probe_url, "", "", FETCH_DEADLINE
            )
            if not reply.present:
                self._note(
                    check,
                    Grade.FAIL,
                    f"it could not fetch {self._probe_url}: {one_line(reply.text)}; "
                    "chroots and sources reach it the same way",
                )
                return
            again = await self._client.ensure_present(
                self._probe.sha1, self._probe_url, "", "", FETCH_DEADLINE
            )
            grade = Grade.OK if again.present and again.text == "Cache" else Grade.WARN
            words = f"{one_line(reply.text)}, then {one_line(again.text)}"
            self._note(check, grade, f"a file of {len(self._probe.content)} bytes: {words}")

    async def _timed(self, call: Callable[[], Awaitable[Any]]) -> float:
        before = self._seconds()
        await call()
        return self._seconds() - before
