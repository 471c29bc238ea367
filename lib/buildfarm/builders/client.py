"""What the manager can ask of one builder's daemon.

Layer 3. Tests: tests/unit/builders/test_client.py, tests/functional/builders, and the contract
suite in tests/contract, which drives this client against every kind of daemon.

A builder is not trusted: every call has a deadline, every answer bounds, and every failure is one
of `vocab.errors.BuilderError`, in a sentence that names the builder's URL and the call. Which
calls are repeated on a connection found closed: those that only look (`status`, `info`, `echo`,
`ensurepresent`, files). `abort` and `clean` are not, since a second one faults when the first was
carried out; `build` is sent once, on the connection that the `status` before it was answered on,
because what was sent on another may still wait in a blocked daemon (docs/decisions/010).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import DeferredLock

from buildfarm.builders.address import BuilderAddress, Endpoint
from buildfarm.builders.connection import Connection
from buildfarm.builders.downloads import Download
from buildfarm.builders.fileconnection import FileConnection
from buildfarm.builders.line import Line
from buildfarm.builders.sinks import LogPart, Message
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import BuilderFault, BuilderNonsense
from buildfarm.vocab.observation import (
    BuilderInfo,
    BuildReply,
    Downloaded,
    Observation,
    PresenceReply,
)
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus
from buildfarm.vocab.text import one_line
from buildfarm.wire import builderrpc
from buildfarm.wire.builderrpc import Fault, MalformedMessage, Value

T = TypeVar("T")


class BuilderClient:
    """The daemon at `url`. One call and one download at a time, beside each other.

    Several may ask for parts of the log: they have their turns, one exchange at a time.

    `settings` gives the deadlines; `workers` are the threads that write what is downloaded;
    `endpoint` replaces the one that follows from `url`.
    """

    def __init__(
        self,
        reactor: Clock,
        url: str,
        settings: ScanningSettings,
        workers: Workers,
        endpoint: Endpoint | None = None,
    ) -> None:
        self._reactor = reactor
        self._workers = workers
        address = BuilderAddress.parse(url)
        self.url = address.url
        self._settings = settings
        if endpoint is None:
            endpoint = address.endpoint(reactor, settings.connect_timeout)
        timeout = settings.connect_timeout
        self._calls = Line(reactor, endpoint, self.url, timeout, Connection)
        self._files = Line(reactor, endpoint, self.url, timeout, FileConnection)
        self._tails = Line(reactor, endpoint, self.url, timeout, Connection)
        self._tail_turn = DeferredLock()
        self._get_line = f"GET {address.prefix}/filecache/"
        self._get_head = f" HTTP/1.1\r\nHost: {address.netloc}\r\n"
        self._post_head = (
            f"POST {address.prefix}/rpc HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Content-Type: text/xml\r\nContent-Length: "
        ).encode()
        self._status_request = self._request("status", ())
        self._status_body = b""
        self._observation: Observation | None = None

    async def fetch_status(self) -> Observation:
        """What the daemon says it is doing.

        An idle daemon says the same for hours, so an answer that equals the last one, byte for
        byte, is not decoded again.
        """
        message = Message(self.url, "status")
        await self._calls.exchange(
            self._status_request, message, self._settings.call_timeout, "status", repeatable=True
        )
        body = message.content()
        if self._observation is None or body != self._status_body:
            self._observation = self._decoded("status", body, builderrpc.decode_status)
            self._status_body = body
        return self._observation

    async def fetch_info(self) -> BuilderInfo:
        """What the daemon can build, and for which architecture."""
        return await self._call("info", (), builderrpc.decode_info)

    async def echo(self, *values: Value) -> list[Value]:
        """What the daemon sends back of `values`."""
        return await self._call("echo", values, _as_list)

    async def ensure_present(
        self, sha1: str, url: str, user: str, password: str, deadline: float
    ) -> PresenceReply:
        """Have the daemon fetch the file with this digest from `url`, if it has not got it.

        The daemon answers nothing else meanwhile, and goes on after we have given up: `deadline`
        is in seconds, and should follow from the file's size. `user` and `password` are sent by
        the daemon where `url` asks for them.
        """
        return await self._call(
            "ensurepresent", (sha1, url, user, password), builderrpc.decode_presence, deadline
        )

    async def build(
        self,
        cookie: str,
        chroot_sha1: str,
        filemap: Mapping[str, str],
        args: Mapping[str, object],
        builder_type: str = "binarypackage",
    ) -> BuildReply:
        """Have the daemon build; only a reply that `confirms(cookie)` says that it does.

        Sent at most once, on the connection that the last call was answered on. An error whose
        `sent` is false means that the daemon knows nothing of it; any other leaves that open.
        """
        params = (cookie, builder_type, chroot_sha1, dict(filemap), dict(args))
        message = Message(self.url, "build")
        await self._calls.exchange_on_kept(
            self._request("build", params), message, self._settings.build_timeout, "build"
        )
        return self._decoded("build", message.content(), builderrpc.decode_build)

    async def abort(self) -> DaemonStatus:
        """Have the daemon stop its build; the state that it answers, ABORTING."""
        return await self._call("abort", (), builderrpc.decode_word, repeatable=False)

    async def clean(self) -> DaemonStatus:
        """Have the daemon forget a finished build; the state that it answers, IDLE."""
        return await self._call("clean", (), builderrpc.decode_word, repeatable=False)

    async def download(
        self, file: str, destination: Path, limit: int, min_rate: int, *, flushed: bool = True
    ) -> Downloaded:
        """Fetch a file of the daemon's cache, by its SHA-1, or its log, as `buildlog`.

        It is at `destination` when this returns, and on the disk if it is to be `flushed`; it is
        not there at all otherwise. Whether it is what it should be is for the caller to compare.
        Raises ResultsRefused for more than `limit` bytes, BuilderTimedOut for less than `min_rate`
        bytes a second, BuilderError for anything else that the builder does, DiskFull and OSError
        for what our own disk does.
        """
        download = Download(
            self._reactor,
            self._files,
            self._workers,
            destination=destination,
            flushed=flushed,
            limit=limit,
            min_rate=min_rate,
            name=self.url,
            what=f"the file {file}",
        )
        return await download.run(self._get(file))

    async def fetch_log(self, start: int, limit: int) -> bytes:
        """At most `limit` bytes, and no more than 1 MiB, of the growing log from byte `start`."""
        last = start + min(limit, 1024 * 1024) - 1
        sink = LogPart(self.url)
        request = self._get("buildlog", f"Range: bytes={start}-{last}\r\n")
        timeout = self._settings.call_timeout
        async with self._tail_turn:
            await self._tails.exchange(request, sink, timeout, "the build log", repeatable=True)
        return sink.part(start, last)

    def close(self) -> None:
        """Close the connections; a call under way fails with BuilderUnreachable."""
        for line in (self._calls, self._files, self._tails):
            line.close()

    def _get(self, file: str, headers: str = "") -> bytes:
        if not file.isalnum() or not file.isascii():
            raise BuilderNonsense(f"{self.url} offers {one_line(file)!r}, which is no digest")
        return f"{self._get_line}{file}{self._get_head}{headers}\r\n".encode()

    async def _call(
        self,
        method: str,
        params: tuple[object, ...],
        decode: Callable[[Value], T],
        deadline: float | None = None,
        *,
        repeatable: bool = True,
    ) -> T:
        message = Message(self.url, method)
        await self._calls.exchange(
            self._request(method, params),
            message,
            self._settings.call_timeout if deadline is None else deadline,
            method,
            repeatable=repeatable,
        )
        return self._decoded(method, message.content(), decode)

    def _request(self, method: str, params: tuple[object, ...]) -> bytes:
        body = builderrpc.encode_call(method, params)
        return b"%b%d\r\n\r\n%b" % (self._post_head, len(body), body)

    def _decoded(self, method: str, body: bytes, decode: Callable[[Value], T]) -> T:
        try:
            value = builderrpc.decode_reply(body)
            if not isinstance(value, Fault):
                return decode(value)
        except MalformedMessage as error:
            raise BuilderNonsense(
                f"{self.url} answered `{method}` with nonsense: {one_line(str(error))}"
            ) from error
        raise BuilderFault(
            f"{self.url} answered `{method}` with fault {value.code}: {one_line(value.text)}",
            value.code,
        )


def _as_list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise MalformedMessage("not a list")
    return value
