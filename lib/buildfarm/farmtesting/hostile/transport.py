"""Hostile below XML: silence, floods, broken HTTP, redirects, connections cut.

Beside the layers; part of `hostile.table`.
"""

import gzip

from buildfarm.farmtesting.hostile.behaviour import Answer, Asked, Behaviour, Judged, Speak
from buildfarm.farmtesting.hostile.builder import HostileServer

_CHUNK = b"x" * 65536
_GIB = 1024**3

_OLD = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
_LATE = "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"


def in_answer_to(what: str, speak: Speak) -> Speak:
    """Speak so in answer to `what`, and truly in answer to everything else."""

    def spoken(server: HostileServer, asked: Asked, answer: Answer) -> None:
        if asked.what == what:
            speak(server, asked, answer)
        else:
            server.write(answer.whole())

    return spoken


def _silent(server: HostileServer, asked: Asked, answer: Answer) -> None:
    """Nothing is sent."""


def _byte_a_second(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(10_000))
    server.write_every(1.0, b" ")


def _gigabyte(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(_GIB))
    server.stream(_CHUNK, _GIB // len(_CHUNK))


def _endless_headers(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
    server.stream(b"x" * 8192)


def _endless_trailers(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n")
    server.stream(b"X-Header: x\r\n" * 4096)


def _empty_chunks(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    server.stream(b"1;extension=" + b"x" * 4096 + b"\r\n \r\n")


def _garbage(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(bytes(range(256)))


def _redirect(server: HostileServer, asked: Asked, answer: Answer) -> None:
    places = ("http://127.0.0.1:22/", "http://169.254.169.254/latest/", "file:///etc/passwd")
    place = places[asked.number % len(places)]
    server.write(Answer(302, b"", extra=f"Location: {place}\r\n").whole())


def _upgrade(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")


def _twice(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.whole() * 2)


def _cut(server: HostileServer, asked: Asked, answer: Answer) -> None:
    """The n-th answer is cut after its n-th byte, so that in time each byte is the last."""
    whole = answer.whole()
    server.write(whole[: asked.number % len(whole)])
    server.cut()


def _without_length(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(b"HTTP/1.1 200 OK\r\n\r\n" + answer.body)
    server.cut()


def _too_short(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(len(answer.body) + 1) + answer.body)


def _too_long(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(len(answer.body) // 2) + answer.body)


def _clock_far_off(server: HostileServer, asked: Asked, answer: Answer) -> None:
    extra = answer.extra + (_OLD if asked.number % 2 else _LATE)
    server.write(Answer(answer.status, answer.body, answer.kind, extra).whole())


def _gzip_bomb(server: HostileServer, asked: Asked, answer: Answer) -> None:
    packed = gzip.compress(bytes(16 * 1024 * 1024), mtime=0)
    server.write(Answer(200, packed, extra="Content-Encoding: gzip\r\n").whole())


def _server_error(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(Answer(500, b"<h1>\x1b[31mOops</h1>").whole())


def _blamed(name: str, does: str, told: str, speak: Speak) -> Behaviour:
    return Behaviour(name=name, does=does, judged=Judged.BUILDER, told=told, speak=speak)


TRANSPORT = (
    _blamed("never-answers", "answers nothing", "did not answer `status` within", _silent),
    _blamed(
        "byte-a-second",
        "answers a byte a second",
        "did not answer `status` within",
        _byte_a_second,
    ),
    _blamed(
        "huge-status", "answers `status` with 1 GiB", "with more than 1048576 bytes", _gigabyte
    ),
    _blamed(
        "endless-headers",
        "answers with headers that never end",
        "too many headers in answer to `status`",
        _endless_headers,
    ),
    _blamed(
        "endless-trailers",
        "sends trailing headers that never end",
        "too many headers in answer to `status`",
        _endless_trailers,
    ),
    _blamed(
        "padded-chunks",
        "sends its answer in chunks of a byte, each with kilobytes of extensions",
        "too many headers in answer to `status`",
        _empty_chunks,
    ),
    _blamed("garbage", "answers no HTTP", "did not answer `status` with HTTP", _garbage),
    _blamed(
        "redirects-calls",
        "redirects every call to addresses inside our network",
        "answered `status` with HTTP 302",
        in_answer_to("status", _redirect),
    ),
    _blamed(
        "redirects-files",
        "redirects downloads of its results to addresses inside our network",
        "with HTTP 302",
        in_answer_to("file", _redirect),
    ),
    _blamed(
        "upgrades",
        "changes to another protocol that nobody asked for",
        "answered `status` with HTTP 101",
        _upgrade,
    ),
    _blamed(
        "extra-replies",
        "answers each call twice, for the next call to take the second for its own",
        "sent more than one answer to `status`",
        _twice,
    ),
    _blamed(
        "cut-at-every-byte",
        "closes the connection in the middle of each answer, every time at another byte",
        "closed the connection before",
        _cut,
    ),
    _blamed(
        "no-length",
        "ends its answers with the connection, so that nobody can tell whether they are whole",
        "closed the connection before `status` was answered",
        _without_length,
    ),
    _blamed(
        "announces-more",
        "announces a byte more than it sends",
        "did not answer `status` within",
        _too_short,
    ),
    _blamed(
        "announces-less",
        "announces half of what it sends",
        "sent more than one answer to `status`",
        _too_long,
    ),
    _blamed(
        "gzip-bomb",
        "answers with a compressed body that nobody asked for and that unpacks to 16 MiB",
        "answered `status` with nonsense",
        _gzip_bomb,
    ),
    _blamed(
        "server-error",
        "answers every call with HTTP 500 and an error page",
        "answered `status` with HTTP 500",
        _server_error,
    ),
    Behaviour(
        name="clock-far-off",
        does="says that it is 1970, and then that it is 9999",
        judged=Judged.NOBODY,
        speak=_clock_far_off,
    ),
)
