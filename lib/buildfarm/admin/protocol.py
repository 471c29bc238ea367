"""What goes over the control socket: one request, then answers until the last one.

Layer 5, standard library only (the client must start fast). A request is one line of JSON
`{"verb", "params", "actor", "files"}`; the files' descriptors travel beside it (SCM_RIGHTS), so
that a daemon running as another user reads what the caller may read without access to the caller's
directories. Answers are lines of JSON as well: `{"part": …}` any number of times, then one of
`{"done": …}` and `{"problem": "a sentence"}`. A long list comes as several `{"rows": […]}` with its
end in `done`, so that neither side holds up anything else to write or read it. An empty line says
that the work goes on.
Tests: tests/unit/admin/test_protocol.py.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.vocab.text import one_line

#: Bytes of one request line: an archive's keys are the largest thing in it.
MAX_REQUEST = 1024 * 1024

#: Descriptors with one request; the kernel takes at most 253 in one message (unix(7)).
MAX_FILES = 200

#: Characters of the name of who asks.
MAX_ACTOR = 100

#: Items of a list that are written at once: less than a millisecond of encoding.
MAX_ROWS = 100

#: A longer silence, in seconds, means that the other side is gone; an empty line breaks it.
MAX_SILENCE = 60.0

#: Seconds between two empty lines while the work goes on.
HEARTBEAT = 15.0


class RequestRefused(Refused):
    """A request that is not of the protocol's form."""


@dataclass(frozen=True, slots=True)
class Request:
    """One verb with its parameters. `files` names the descriptors that come along, in order.

    `actor` is who asks, as events and submissions name them.
    """

    verb: str
    params: dict[str, Any] = field(default_factory=dict)
    actor: str = "operator"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an answer that comes in pieces."""

    value: Any


@dataclass(frozen=True, slots=True)
class Rows:
    """The next items of a result that is a long list; the last ones come with `Done`."""

    value: list[Any]


@dataclass(frozen=True, slots=True)
class Done:
    """The last answer: the verb's result, or what is left of it."""

    value: Any


@dataclass(frozen=True, slots=True)
class Problem:
    """The last answer: why it was not done, as a sentence for a person."""

    sentence: str


Answer = Part | Rows | Done | Problem

_ANSWERS: dict[str, type[Part] | type[Rows] | type[Done] | type[Problem]] = {
    "part": Part,
    "rows": Rows,
    "done": Done,
    "problem": Problem,
}
_WORDS = {kind: word for word, kind in _ANSWERS.items()}


def encode_request(request: Request) -> bytes:
    """The line for `request`; raises RequestRefused where it is longer than MAX_REQUEST."""
    line = json.dumps(asdict(request)).encode() + b"\n"
    if len(line) > MAX_REQUEST:
        raise RequestRefused(f"The request is longer than {MAX_REQUEST} bytes.")
    if len(request.files) > MAX_FILES:
        raise RequestRefused(f"More than {MAX_FILES} files cannot be sent at once.")
    return line


def decode_request(line: bytes) -> Request:
    """The request in `line`, which may be anything; raises RequestRefused."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestRefused("The request is not a line of JSON.") from error
    match found:
        case {
            "verb": str(verb),
            "params": dict(params),
            "actor": str(actor),
            "files": list(files),
        } if all(isinstance(name, str) for name in files):
            return Request(verb, params, one_line(actor, MAX_ACTOR), tuple(files))
    raise RequestRefused("The request is not an object of verb, params, actor and files.")


def encode_answer(answer: Answer) -> bytes:
    """The line for `answer`."""
    value = answer.sentence if isinstance(answer, Problem) else answer.value
    return json.dumps({_WORDS[type(answer)]: value}).encode() + b"\n"


def decode_answer(line: bytes) -> Answer | None:
    """The answer in `line`, None for a sign of life; raises FarmError for anything else."""
    if not line.strip():
        return None
    try:
        ((word, value),) = json.loads(line).items()
        return _ANSWERS[word](value)
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise FarmError("The manager's answer is not of this version's form.") from error
