"""A build daemon in memory: launchpad-buildd's states and answers, and the ways it goes wrong.

Beside the layers. Held to the genuine daemon by the contract suite; its own tests are in
tests/unit/farmtesting/test_fakedaemon.py. Tests talk to it through `memory` without sockets, and
through `simulatedbuilder` over loopback ones.

What happens with time follows from the clock whenever somebody asks, so a thousand of them cost
nothing while nobody does. One thing at a time: while a download blocks the daemon, calls wait in
line, and those whose caller has given up are carried out all the same.
"""

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import deferLater

from buildfarm.farmtesting.daemonscript import Fetch, FetchFailed, Order, Script
from buildfarm.flow.reactors import Clock
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import BuildOutcome, DaemonStatus
from buildfarm.wire.builderrpc import (
    FAULT_ERROR,
    FAULT_UNKNOWN_METHOD,
    MAX_LOGTAIL,
    Call,
    Fault,
    Value,
    status_value,
)

T = TypeVar("T")

BUILD_TYPES = ("binarypackage", "sourcepackagerecipe", "translation-templates", "livefs")

_REQUIRED_ARGUMENTS = ("series", "suite", "ogrecomponent", "distribution", "archives")
_WITH_FILES = (BuildOutcome.OK, BuildOutcome.PACKAGEFAIL, BuildOutcome.DEPFAIL)
_FAULT = Fault(FAULT_ERROR, "error")


class ReplyLost(Exception):
    """The daemon did what it was asked, and its reply never arrives."""


class FakeDaemon:
    """One builder's daemon. `script` says what becomes of each build, at its start.

    Without `fetch`, every download succeeds and brings nothing. `download_seconds` is how long a
    download blocks the daemon, beyond what `fetch` takes.
    """

    def __init__(
        self,
        clock: Clock,
        script: Callable[[Order], Script] | None = None,
        fetch: Fetch | None = None,
        architecture: str = "amd64",
        version: str | None = "254",
    ) -> None:
        self.script = script or (lambda order: Script())
        self.fetch = fetch
        self.architecture = architecture
        self.version = version
        self.download_seconds = 0.0
        #: Refuses connections while true.
        self.unreachable = False
        #: Methods whose next call is carried out, its connection closed instead of an answer.
        self.lose_reply_to: set[str] = set()
        #: Answers given in place of the true ones, for as long as they are here; by method.
        self.lies: dict[str, Value | Fault] = {}
        #: The last calls that were carried out.
        self.calls: deque[Call] = deque(maxlen=1000)
        #: Every build that was really begun.
        self.orders: list[Order] = []
        self._clock = clock
        self._turn = DeferredLock()
        self._hanging: Deferred[None] | None = None
        self._cache: dict[str, bytes] = {}
        self._used_ids: set[str] = set()
        self._forget()
        self._methods: dict[str, tuple[int, Callable[..., Value | Fault | Awaitable[Value]]]] = {
            "info": (0, self._info),
            "status": (0, self._report),
            "ensurepresent": (4, self._ensure_present),
            "build": (5, self._build),
            "abort": (0, self._abort),
            "clean": (0, self._clean),
        }

    def _forget(self) -> None:
        self._state = DaemonStatus.IDLE
        self._build_id = ""
        self._script = Script()
        self._began = 0.0
        self._ends: float | None = None
        self._outcome: BuildOutcome | None = None
        self._filemap: dict[str, str] = {}
        self._log: bytes | None = None

    # What a test does to the machine.

    def restart(self) -> None:
        """The daemon is started again: it knows nothing of its build; cached files are there."""
        self._forget()

    def reset(self) -> None:
        """The machine is reset: nothing is left of anything."""
        self._forget()
        self._cache.clear()
        self._used_ids.clear()

    def hang(self) -> None:
        """Answer nothing, once what is under way is done, until `wake`."""
        if self._hanging is None:
            hanging: Deferred[None] = Deferred()
            self._hanging = hanging

            async def until_woken() -> None:
                await hanging

            Deferred.fromCoroutine(self._in_turn(until_woken))

    def wake(self) -> None:
        """Go on after `hang`, with what has been asked meanwhile."""
        hanging, self._hanging = self._hanging, None
        if hanging is not None:
            hanging.callback(None)

    # What a client asks.

    async def call(self, call: Call) -> Value | Fault:
        """Carry out one call, in its turn. Raises ReplyLost."""
        return await self._in_turn(lambda: self._carry_out(call))

    async def file(self, name: str) -> bytes | None:
        """A file of the cache, or the log as `buildlog`; None where there is none."""
        return await self._in_turn(lambda: self._file(name))

    async def _in_turn(self, work: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> T:
        # Not with `finally`: that would also let the next in line go when a test has ended with a
        # daemon that hangs, and both are being collected.
        result: T = await self._turn.run(lambda: Deferred.fromCoroutine(work()))
        return result

    async def _carry_out(self, call: Call) -> Value | Fault:
        self.calls.append(call)
        result = await self._answer(call)
        if call.method in self.lose_reply_to:
            self.lose_reply_to.remove(call.method)
            raise ReplyLost
        return result

    async def _answer(self, call: Call) -> Value | Fault:
        if call.method in self.lies:
            return self.lies[call.method]
        if call.method == "echo":
            return list(call.params)
        if call.method not in self._methods:
            return Fault(FAULT_UNKNOWN_METHOD, f"procedure {call.method} not found")
        arity, method = self._methods[call.method]
        if len(call.params) != arity:
            return _FAULT
        self._catch_up()
        result = method(*call.params)
        return await result if isinstance(result, Awaitable) else result

    def _catch_up(self) -> None:
        """Let the build end whose time has come."""
        if self._ends is None or self._clock.seconds() < self._ends:
            return
        aborted = self._state is DaemonStatus.ABORTING
        self._state = DaemonStatus.WAITING
        self._ends = None
        self._outcome = BuildOutcome.ABORTED if aborted else self._script.outcome
        if self._outcome is BuildOutcome.OK:
            for name, content in self._script.results.items():
                digest = hashlib.sha1(content).hexdigest()
                self._cache[digest] = content
                self._filemap[name] = digest

    def _info(self) -> Value:
        return ["1.0", self.architecture, list(BUILD_TYPES)]

    def _report(self) -> Value:
        with_files = self._outcome in _WITH_FILES
        return status_value(
            Observation(
                self._state,
                None if self._state is DaemonStatus.IDLE else self._build_id,
                outcome=self._outcome,
                logtail=(self._log_now() or b"")[-MAX_LOGTAIL:],
                filemap=self._filemap,
                dependencies=self._script.dependencies if with_files else None,
                version=self.version,
            )
        )

    def _log_now(self) -> bytes | None:
        """The log as far as it is written: in step with the time of the build."""
        if self._log is None or self._state is not DaemonStatus.BUILDING or not self._ends:
            return self._log
        part = (self._clock.seconds() - self._began) / (self._ends - self._began)
        return self._log[: int(part * len(self._log))]

    async def _ensure_present(
        self, digest: Value, url: Value, user: Value, password: Value
    ) -> Value:
        said = "Cache"
        if not isinstance(url, str):
            said = "No URL"
        elif digest not in self._cache:
            said = await self._download(str(digest), url, str(user or ""), str(password or ""))
        return [digest in self._cache, said]

    async def _download(self, digest: str, url: str, user: str, password: str) -> str:
        if self.download_seconds:
            await deferLater(self._clock, self.download_seconds)  # type: ignore[arg-type]
        if self.fetch is None:
            self._cache[digest] = b""
            return "Download"
        try:
            content = await self.fetch(url, user, password)
        except FetchFailed as error:
            return f"Error accessing Librarian: {error}"
        if hashlib.sha1(content).hexdigest() != digest:
            return "Digests did not match, removing again!"
        self._cache[digest] = content
        return "Download"

    def _build(
        self, build_id: Value, builder_type: Value, chroot: Value, filemap: Value, args: Value
    ) -> Value | Fault:
        if not isinstance(filemap, dict) or not isinstance(args, dict):
            return _FAULT
        lacking = self._lacking(builder_type, chroot, filemap)
        if lacking is not None:
            return lacking
        if not isinstance(build_id, str) or not build_id:
            return _FAULT
        self._build_id = build_id  # whatever is under way is reported under this id from now on
        if self._state is not DaemonStatus.IDLE:
            return _FAULT
        self._state = DaemonStatus.BUILDING
        self._log = b""
        if build_id in self._used_ids or any(name not in args for name in _REQUIRED_ARGUMENTS):
            return _FAULT  # and BUILDING for ever: nothing runs that could end
        self._begin(
            Order(
                build_id,
                str(builder_type),
                str(chroot),
                {name: str(digest) for name, digest in filemap.items()},
                args,
                {name: self._cache[str(digest)] for name, digest in filemap.items()},
            )
        )
        return [DaemonStatus.BUILDING.value, build_id]

    def _lacking(self, builder_type: Value, chroot: Value, filemap: dict[str, Value]) -> Value:
        """The answer where a build's type or a file is not there, None where all are."""
        if builder_type not in BUILD_TYPES:
            said = f"{builder_type!s} not in {list(BUILD_TYPES)!r}"
            return [DaemonStatus.UNKNOWNBUILDER.value, said]
        for kind, digest in [("CHROOT", chroot), *(("FILE", file) for file in filemap.values())]:
            if digest not in self._cache:
                words = "\n***** INFO *****\nNo URL\n****************\n"
                said = f"{kind}SUM -> {str(digest) + words}"
                return [DaemonStatus.UNKNOWNSUM.value, said]
        return None

    def _begin(self, order: Order) -> None:
        self.orders.append(order)
        self._used_ids.add(order.build_id)
        self._script = self.script(order)
        self._log = self._script.log
        self._began = self._clock.seconds()
        self._ends = self._began + self._script.seconds

    def _abort(self) -> Value | Fault:
        if self._state is DaemonStatus.BUILDING:
            self._state = DaemonStatus.ABORTING
            if self._ends is not None and self._script.abort_seconds is not None:
                self._ends = self._clock.seconds() + self._script.abort_seconds
        return self._state.value if self._state is DaemonStatus.ABORTING else _FAULT

    def _clean(self) -> Value | Fault:
        if self._state is not DaemonStatus.WAITING:
            return _FAULT
        for digest in self._filemap.values():
            self._cache.pop(digest, None)  # an input with the same content is gone as well
        self._forget()
        return DaemonStatus.IDLE.value

    async def _file(self, name: str) -> bytes | None:
        self._catch_up()
        return self._log_now() if name == "buildlog" else self._cache.get(name)
