"""Hostile XML: deep, huge, and full of what makes XML dangerous.

Beside the layers; part of `hostile.table`.
"""

from buildfarm.farmtesting.hostile.behaviour import Answer, Asked, Behaviour, Judged
from buildfarm.farmtesting.hostile.builder import HostileServer

_REPLY = "<methodResponse><params><param>{}</param></params></methodResponse>"

_LAUGHS = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))


def deep(levels: int) -> bytes:
    """A reply of arrays in each other."""
    opened = "<value><array><data>" * levels
    closed = "</data></array></value>" * levels
    return _REPLY.format(opened + closed).encode()


def many_values(size: int) -> bytes:
    """A reply of about so many bytes, all of them elements."""
    item = "<value><nil/></value>"
    items = item * (size // len(item))
    return _REPLY.format(f"<value><array><data>{items}</data></array></value>").encode()


#: By name: what it does, the message, and what is told of it.
MESSAGES = {
    "deep-xml": (
        "answers with arrays 100,000 deep in each other, in 4 MB",
        deep(100_000),
        "with more than 1048576 bytes",
    ),
    "deeper-than-allowed": (
        "answers with arrays 300 deep in each other",
        deep(300),
        "more than 12 deep",
    ),
    "huge-xml": (
        "answers with as many elements as a message has room for",
        many_values(1_000_000),
        "a message of more than 16384 tags",
    ),
    "entities": (
        "answers with ten entities, each ten times the one before",
        f"<!DOCTYPE x [<!ENTITY e0 'x'>{_LAUGHS}]><x>&e11;</x>".encode(),
        "more of XML than elements and text",
    ),
    "external-entity": (
        "answers with an entity that is to be read from our /etc/passwd",
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
        + _REPLY.format("<value>&e;</value>").encode(),
        "more of XML than elements and text",
    ),
    "utf-16": (
        "answers in UTF-16, in which a document type looks otherwise",
        _REPLY.format("<value>x</value>").encode("utf-16"),
        "a message that is not UTF-8",
    ),
    "broken-xml": (
        "answers with elements that are never closed",
        b"<methodResponse><params>" * 100,
        "answered `status` with nonsense",
    ),
}


def _saying(name: str) -> Behaviour:
    does, message, told = MESSAGES[name]

    def speak(server: HostileServer, asked: Asked, answer: Answer) -> None:
        server.write(Answer(200, message, "text/xml").whole())

    return Behaviour(name=name, does=does, judged=Judged.BUILDER, told=told, speak=speak)


MARKUP = tuple(_saying(name) for name in MESSAGES)
