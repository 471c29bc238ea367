"""Every field of every reply with every type of XML-RPC that it should not have.

Beside the layers; part of `hostile.table`, one behaviour for each pair of field and type.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from buildfarm.farmtesting.hostile.behaviour import (
    Answer,
    Asked,
    Behaviour,
    Judged,
    built,
    never_ending,
)
from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer
from buildfarm.wire.builderrpc import Call, Fault, Value

#: Each type of XML-RPC, and of its common extensions, with a value of it.
TYPES: Mapping[str, str] = {
    "nil": "<nil/>",
    "boolean": "<boolean>1</boolean>",
    "int": "<int>7</int>",
    "i8": "<i8>7</i8>",
    "double": "<double>0.5</double>",
    "string": "<string>wrong</string>",
    "base64": f"<base64>{base64.b64encode(b'wrong').decode()}</base64>",
    "dateTime": "<dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>",
    "array": "<array><data><value>wrong</value></data></array>",
    "struct": "<struct><member><name>wrong</name><value>wrong</value></member></struct>",
}

# Stands for the value until the reply is bytes.
_MARK = "a-value-of-another-type"
_MARKED = f"<string>{_MARK}</string>".encode()

_STRANGER = "PACKAGEBUILD-9-9-00000000"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the reply to `method`.

    `mark` puts the mark in its place in the true reply. `takes` are the types that mean something
    there: its own, and nil where it may be absent. `builds`: the field is there while a build runs.
    """

    method: str
    name: str
    mark: Callable[[Value], Value]
    takes: frozenset[str]
    builds: bool = False


def _member(name: str, status: str) -> Callable[[Value], Value]:
    """Marks a member of the struct that `status` answers in that state, and in no other."""

    def mark(true: Value) -> Value:
        if isinstance(true, dict) and true.get("builder_status") == f"BuilderStatus.{status}":
            return {**true, name: _MARK}
        return true

    return mark


def _digest(true: Value) -> Value:
    """Marks the digests of the filemap."""
    if isinstance(true, dict) and isinstance(files := true.get("filemap"), dict):
        return {**true, "filemap": dict.fromkeys(files, _MARK)}
    return true


def _item(index: int) -> Callable[[Value], Value]:
    def mark(true: Value) -> Value:
        assert isinstance(true, list), "these calls answer lists"
        return [_MARK if place == index else value for place, value in enumerate(true)]

    return mark


def _whole(true: Value) -> Value:
    return _MARK


def _takes(*types: str) -> frozenset[str]:
    return frozenset(types)


#: Every field of every reply that scanning a builder brings.
FIELDS = (
    Field("status", "reply", _whole, _takes()),
    Field("status", "builder_status", _member("builder_status", "IDLE"), _takes()),
    Field("status", "builder_version", _member("builder_version", "IDLE"), _takes("string", "nil")),
    Field("status", "build_id", _member("build_id", "BUILDING"), _takes("string"), builds=True),
    Field("status", "logtail", _member("logtail", "BUILDING"), _takes("base64"), builds=True),
    Field("status", "build_status", _member("build_status", "WAITING"), _takes()),
    Field("status", "filemap", _member("filemap", "WAITING"), _takes("struct")),
    Field("status", "filemap-digest", _digest, _takes("string")),
    Field("status", "dependencies", _member("dependencies", "WAITING"), _takes("string", "nil")),
    Field("ensurepresent", "reply", _whole, _takes()),
    Field("ensurepresent", "present", _item(0), _takes("boolean")),
    Field("ensurepresent", "text", _item(1), _takes("string")),
    Field("build", "reply", _whole, _takes()),
    Field("build", "status", _item(0), _takes()),
    Field("build", "text", _item(1), _takes("string")),
    Field("abort", "reply", _whole, _takes()),
    Field("clean", "reply", _whole, _takes()),
)


def behaviour(field: Field, kind: str) -> Behaviour:
    """The builder that answers with a value of this type in that field."""
    fragment = TYPES[kind].encode()

    def lie(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
        if field.method == "abort" and call.method == "status":
            return {"builder_status": "BuilderStatus.BUILDING", "build_id": _STRANGER}
        if call.method != field.method or isinstance(true, Fault):
            return true
        return field.mark(true)

    def speak(server: HostileServer, asked: Asked, answer: Answer) -> None:
        body = answer.body.replace(_MARKED, fragment)
        server.write(Answer(answer.status, body, answer.kind, answer.extra).whole())

    return Behaviour(
        name=f"wrong-type:{field.method}.{field.name}:{kind}",
        does=f"answers `{field.method}` with a {kind} for its {field.name}",
        judged=Judged.BUILDER,
        told=f"`{field.method}` with nonsense",
        script=never_ending if field.builds else built,
        lie=lie,
        speak=speak,
        ignores=frozenset({field.method} & {"abort", "clean"}),
    )


WRONG_TYPES = tuple(
    behaviour(field, kind) for field in FIELDS for kind in TYPES if kind not in field.takes
)
