"""Hostile logs: what a terminal, a page or a decoder could trip over, and logs without end.

Beside the layers; part of `hostile.table`. Nobody is to blame for what a log says: it is kept as
it is, and shown escaped.
"""

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.hostile.behaviour import (
    Answer,
    Asked,
    Behaviour,
    Judged,
    Scripting,
    true_results,
)
from buildfarm.farmtesting.hostile.builder import HostileServer
from buildfarm.farmtesting.hostile.transport import in_answer_to

_BLOCK = b"a line of a log that never ends\n" * 2048

#: By name: what it does, and the log.
LOGS = {
    "log-of-controls": ("logs control characters", bytes(range(32)) * 100 + b"\x7f\x80\x9f"),
    "log-of-escapes": (
        "logs terminal escapes: a title, a cleared screen, a hidden line, a paste",
        b"\x1b]0;root@host\x07\x1b[2J\x1b[H\x1b[8mhidden\x1b[0m\x1b[200~\x9b31m\n" * 50,
    ),
    "log-of-html": (
        "logs HTML with a script, and markup of terminal libraries",
        b"</pre><script>alert(1)</script><img src=x onerror=alert(1)> [bold red]no[/]\n" * 30,
    ),
    "log-of-broken-utf-8": (
        "logs bytes that are no UTF-8, and directions reversed",
        b"\xff\xfe\xc0\x80\xed\xa0\x80\xf0\x9f" + "\u202eevil\u2028".encode() * 100 + b"\xe2\x82",
    ),
}


def _logging(log: bytes) -> Scripting:
    def script(order: Order) -> Script:
        # Long enough for its tail to be looked at.
        return Script(seconds=0.7, results=true_results(order), log=log, abort_seconds=0.01)

    return script


def _endless(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(1 << 50))
    server.stream(_BLOCK)


def _redirected(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(Answer(302, b"", extra="Location: file:///etc/shadow\r\n").whole())


HOSTILE_LOGS = (
    *(
        Behaviour(name=name, does=does, judged=Judged.NOBODY, script=_logging(log))
        for name, (does, log) in LOGS.items()
    ),
    Behaviour(
        name="log-without-end",
        does="sends a log that never ends; its last tail is kept",
        judged=Judged.NOBODY,
        speak=in_answer_to("buildlog", _endless),
    ),
    Behaviour(
        name="log-elsewhere",
        does="redirects the download of its log to our /etc/shadow; its last tail is kept",
        judged=Judged.NOBODY,
        speak=in_answer_to("buildlog", _redirected),
    ),
)
