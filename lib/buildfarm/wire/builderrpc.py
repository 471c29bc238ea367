"""What a builder's daemon is asked and answers: launchpad-buildd's XML-RPC calls and replies.

Layer 1. Tests: tests/unit/wire/test_builderrpc.py, against the recorded traffic of genuine daemons.
This is the one door to XML-RPC: it offers the coding of messages as well.

A decoder turns a decoded value into a type of `vocab.observation`, or raises MalformedMessage. It
bounds what it lets through and checks types; whether a name or a digest may be used is decided by
those who use it, since a builder's words are data.
"""

from buildfarm.vocab.observation import BuilderInfo, BuildReply, Observation, PresenceReply
from buildfarm.vocab.secrets import tail_without_secrets, without_secrets
from buildfarm.vocab.states import REPORTABLE, BuildOutcome, DaemonStatus
from buildfarm.wire.rpcreading import decode_call, decode_reply
from buildfarm.wire.rpcvalues import MAX_BYTES, Call, Fault, MalformedMessage, Value
from buildfarm.wire.rpcwriting import encode_call, encode_fault, encode_reply

__all__ = [
    "FAULT_ERROR",
    "FAULT_UNKNOWN_METHOD",
    "MAX_BYTES",
    "MAX_LOGTAIL",
    "Call",
    "Fault",
    "MalformedMessage",
    "Value",
    "decode_build",
    "decode_call",
    "decode_info",
    "decode_presence",
    "decode_reply",
    "decode_status",
    "decode_word",
    "encode_call",
    "encode_fault",
    "encode_reply",
    "status_value",
]

#: Fault codes, those of twisted.web.xmlrpc: no such method; anything that raised.
FAULT_UNKNOWN_METHOD = 8001
FAULT_ERROR = 8002

#: Bytes of log that a status carries.
MAX_LOGTAIL = 2048

# Characters in an id, a version, an architecture, a file name or a digest; in a list of packages
# or a sentence.
_MAX_WORD = 1024
_MAX_TEXT = 64 * 1024
# Of `info`'s list of build types.
_MAX_TYPES = 100


def decode_status(value: Value) -> Observation:
    """The reply to `status`. A longer log tail than the daemon's is cut to its end."""
    if not isinstance(value, dict):
        raise MalformedMessage("a status that is not a struct")
    status = _daemon_status(value.get("builder_status"))
    if status not in REPORTABLE:
        raise MalformedMessage(f"no daemon is {status.name}")
    version = _optional_text(value, "builder_version", _MAX_WORD)
    if status is DaemonStatus.IDLE:
        return Observation(status, version=version)
    build_id = _text(value.get("build_id"), _MAX_WORD)
    dependencies = value.get("dependencies")
    if status is not DaemonStatus.WAITING:
        return Observation(status, build_id, logtail=_logtail(value), version=version)
    return Observation(
        status,
        build_id,
        outcome=_outcome(value.get("build_status")),
        logtail=_logtail(value),
        filemap=_filemap(value.get("filemap", {})),
        dependencies=None if dependencies is None else _words(dependencies),
        version=version,
    )


def decode_info(value: Value) -> BuilderInfo:
    """The reply to `info`."""
    match value:
        case [str(protocol), str(architecture), list(types)] if len(types) <= _MAX_TYPES:
            build_types = tuple(_text(name, _MAX_WORD) for name in types)
            return BuilderInfo(
                _text(protocol, _MAX_WORD), _text(architecture, _MAX_WORD), build_types
            )
    raise MalformedMessage("not a protocol version, an architecture and build types")


def decode_presence(value: Value) -> PresenceReply:
    """The reply to `ensurepresent`."""
    match value:
        case [bool(present), str(text)]:
            return PresenceReply(present, _words(text))
    raise MalformedMessage("not a truth and a text")


def decode_build(value: Value) -> BuildReply:
    """The reply to `build`."""
    match value:
        case [str(status), str(text)]:
            return BuildReply(_daemon_status(status), _words(text))
    raise MalformedMessage("not a status and a text")


def decode_word(value: Value) -> DaemonStatus:
    """The reply to `abort` and `clean`: the state the daemon is in now."""
    return _daemon_status(value)


def status_value(observation: Observation) -> dict[str, Value]:
    """`observation` as a daemon answers `status` with it: the inverse of `decode_status`."""
    value: dict[str, Value] = {"builder_status": observation.status.value}
    if observation.version is not None:
        value["builder_version"] = observation.version
    if observation.outcome is not None:
        value["build_status"] = observation.outcome.value
    if observation.build_id is not None:
        value["build_id"] = observation.build_id
    if observation.status is DaemonStatus.BUILDING:
        value["logtail"] = observation.logtail
    if observation.dependencies is not None:
        value["filemap"] = dict(observation.filemap)
        value["dependencies"] = observation.dependencies
    return value


def _text(value: Value, limit: int) -> str:
    if not isinstance(value, str):
        raise MalformedMessage(f"{type(value).__name__} where a text was expected")
    if len(value) > limit:
        raise MalformedMessage(f"a text of {len(value)} characters; the limit is {limit}")
    return value


def _words(value: Value) -> str:
    """A text that people will read."""
    return without_secrets(_text(value, _MAX_TEXT))


def _optional_text(struct: dict[str, Value], name: str, limit: int) -> str | None:
    value = struct.get(name)
    return None if value is None else _text(value, limit)


def _daemon_status(value: Value) -> DaemonStatus:
    try:
        return DaemonStatus(_text(value, _MAX_WORD))
    except ValueError as error:
        raise MalformedMessage(f"no daemon status is {value!r:.80}") from error


def _outcome(value: Value) -> BuildOutcome:
    try:
        return BuildOutcome(_text(value, _MAX_WORD))
    except ValueError as error:
        raise MalformedMessage(f"no build status is {value!r:.80}") from error


def _logtail(struct: dict[str, Value]) -> bytes:
    value = struct.get("logtail", b"")
    if not isinstance(value, bytes):
        raise MalformedMessage(f"{type(value).__name__} where a log tail was expected")
    return tail_without_secrets(value[-MAX_LOGTAIL:], MAX_LOGTAIL)


def _filemap(value: Value) -> dict[str, str]:
    if not isinstance(value, dict):
        raise MalformedMessage("a filemap that is not a struct")
    return {_text(name, _MAX_WORD): _text(digest, _MAX_WORD) for name, digest in value.items()}
