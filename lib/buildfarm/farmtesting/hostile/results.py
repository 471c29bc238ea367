"""Hostile filemaps and files: names that are paths, contents that are not what was announced.

Beside the layers; part of `hostile.table`.
"""

import hashlib
from collections.abc import Callable

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.hostile.behaviour import (
    Answer,
    Asked,
    Behaviour,
    Judged,
    Lie,
    Scripting,
    true_results,
)
from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer
from buildfarm.farmtesting.hostile.transport import in_answer_to
from buildfarm.farmtesting.simulatedresults import package_results
from buildfarm.wire.builderrpc import Call, Fault, Value

#: More than a gatherer takes by its own defaults.
MANY_FILES = 501

_BLOCK = b"y" * 65536

#: What stands for NUL until the reply is bytes: no XML can say it.
_NUL_MARK = "NUL-MARK"


def making(results: Callable[[Order], dict[str, bytes]], log: bytes = b"log\n" * 50) -> Scripting:
    """A script: every build succeeds at once with these results."""

    def script(order: Order) -> Script:
        return Script(seconds=0.01, results=results(order), log=log, abort_seconds=0.01)

    return script


def also_named(name: str) -> Scripting:
    """The true results, and one more file of this name."""
    return making(lambda order: {**true_results(order), name: b"from a hostile builder"})


def with_filemap(change: Callable[[dict[str, Value]], dict[str, Value]]) -> Lie:
    """Changes the filemap of a build that is OK."""

    def lie(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
        if call.method == "status" and isinstance(true, dict):
            files = true.get("filemap")
            if isinstance(files, dict) and files:
                return {**true, "filemap": change(files)}
        return true

    return lie


def _nul(server: HostileServer, asked: Asked, answer: Answer) -> None:
    body = answer.body.replace(_NUL_MARK.encode(), b"a&#0;b")
    server.write(Answer(answer.status, body, answer.kind, answer.extra).whole())


def _other_content(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(Answer(200, b"z" * len(answer.body)).whole())


def _changing(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(Answer(200, answer.body + b"%d" % asked.number).whole())


def _endless(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.head(1 << 50))
    server.stream(_BLOCK)


def _growing(server: HostileServer, asked: Asked, answer: Answer) -> None:
    """Chunked: no length says how far it will go."""
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    server.stream(b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK))


def _unfinished(server: HostileServer, asked: Asked, answer: Answer) -> None:
    server.write(answer.whole()[:-1])


def _foreign(order: Order) -> dict[str, bytes]:
    return package_results("openssl", "3.0", "libssl3", "amd64", 1000)


def _only_case(order: Order) -> dict[str, bytes]:
    results = true_results(order)
    name = next(name for name in results if name.endswith(".deb"))
    return {**results, name.capitalize(): b"the same name to some file systems"}


def _job(name: str, does: str, told: str, script: Scripting) -> Behaviour:
    return Behaviour(name=name, does=does, judged=Judged.JOB, told=told, script=script)


RESULTS = (
    _job(
        "name-goes-up",
        "offers a file named ../../x",
        "the build made a file named '../../x'",
        also_named("../../x"),
    ),
    _job(
        "name-is-absolute",
        "offers a file named /etc/hostile-builder",
        "the build made a file named '/etc/hostile-builder'",
        also_named("/etc/hostile-builder"),
    ),
    _job(
        "name-with-newline",
        "offers a file whose name has a line end in it",
        "the build made a file named 'a b'",
        also_named("a\nb"),
    ),
    _job(
        "name-with-escapes",
        "offers a file whose name reverses the direction of writing",
        "the build made a file named 'hello_\\\\u202ebed'",
        also_named("hello_\u202ebed"),
    ),
    _job(
        "name-is-dots",
        "offers a file named ..",
        "the build made a file named '..'",
        also_named(".."),
    ),
    _job(
        "name-differs-in-case",
        "offers two files whose names are equal but for case",
        "is in the results, but",
        making(_only_case),
    ),
    Behaviour(
        name="name-with-nul",
        does="offers a file whose name has a NUL in it",
        judged=Judged.BUILDER,
        told="answered `status` with nonsense",
        script=also_named(_NUL_MARK),
        speak=in_answer_to("status", _nul),
    ),
    Behaviour(
        name="name-of-4000-characters",
        does="offers a file whose name has 4,000 characters",
        judged=Judged.BUILDER,
        told="a text of 4000 characters; the limit is 1024",
        script=also_named("n" * 4000),
    ),
    Behaviour(
        name="wrong-digest",
        does="sends other contents than the digest of the file says",
        judged=Judged.BUILDER,
        told="the file changed or was never what it said",
        speak=in_answer_to("file", _other_content),
    ),
    Behaviour(
        name="file-changes",
        does="sends other contents each time that a file is fetched",
        judged=Judged.BUILDER,
        told="the file changed or was never what it said",
        speak=in_answer_to("file", _changing),
    ),
    Behaviour(
        name="digest-is-a-path",
        does="offers a file whose digest is ../../../etc/passwd",
        judged=Judged.BUILDER,
        told="offers '../../../etc/passwd', which is no digest",
        lie=with_filemap(lambda files: dict.fromkeys(files, "../../../etc/passwd")),
    ),
    Behaviour(
        name="file-without-end",
        does="sends a file that grows without end, and says so",
        judged=Judged.JOB,
        told="has more than",
        speak=in_answer_to("file", _endless),
    ),
    Behaviour(
        name="file-grows",
        does="sends a file in chunks, of which there is always one more",
        judged=Judged.JOB,
        told="has more than",
        speak=in_answer_to("file", _growing),
    ),
    Behaviour(
        name="file-unfinished",
        does="keeps back the last byte of every file",
        judged=Judged.BUILDER,
        told="more slowly than",
        speak=in_answer_to("file", _unfinished),
    ),
    Behaviour(
        name="too-many-files",
        does=f"offers {MANY_FILES} files",
        judged=Judged.JOB,
        told=f"the build made {MANY_FILES} files",
        lie=with_filemap(lambda files: {f"f{number}": "0" * 40 for number in range(MANY_FILES)}),
    ),
    Behaviour(
        name="filemap-of-another",
        does="offers the files of a build that another builder made",
        judged=Judged.BUILDER,
        told="with HTTP 404",
        lie=with_filemap(
            lambda files: {name: hashlib.sha1(name.encode()).hexdigest() for name in files}
        ),
    ),
    _job(
        "results-of-another",
        "offers, and sends, the results of another source package",
        "is of the source 'openssl', not",
        making(_foreign),
    ),
)
