"""Values from XML-RPC messages, which are a stranger's bytes.

Layer 1. Tests: tests/unit/wire/test_rpcreading.py.

Documents with a DTD, an entity, a processing instruction, or more bytes, elements or depth than
`wire.rpcvalues` allows are refused, and so is every document that is not exactly what XML-RPC
allows. Whatever the bytes are, the only error is `MalformedMessage`.

`_CHILDREN` and `_REPEATED` say what may be inside an element, `_READINGS` what the element amounts
to once it has ended.
"""

import binascii
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn
from xml.parsers import expat

from buildfarm.wire.rpcvalues import (
    INT_RANGE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    Call,
    Fault,
    MalformedMessage,
    Reply,
    Value,
)

# Characters of text that the parser hands over at once.
_BUFFER = 64 * 1024
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_DOUBLE = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?")


def decode_call(body: bytes) -> Call:
    """The call in `body`."""
    message = _read(body)
    if not isinstance(message, Call):
        raise MalformedMessage("a reply where a call was expected")
    return message


def decode_reply(body: bytes) -> Value | Fault:
    """The value, or the fault, that `body` answers."""
    message = _read(body)
    if isinstance(message, Call):
        raise MalformedMessage("a call where a reply was expected")
    return message.value if isinstance(message, Reply) else message


class _Element:
    """An element that has begun: its own text, and what its ended children amount to."""

    __slots__ = ("name", "results", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.results: list[Any] = []


def _text(element: _Element) -> str:
    return element.text


def _integer(element: _Element) -> int:
    text = element.text.strip()
    if not _INTEGER.fullmatch(text) or int(text) not in INT_RANGE:
        raise MalformedMessage(f"{text[:80]!r} is not a 32 bit integer")
    return int(text)


def _boolean(element: _Element) -> bool:
    text = element.text.strip()
    if text not in ("0", "1"):
        raise MalformedMessage(f"{text[:80]!r} is not a boolean")
    return text == "1"


def _double(element: _Element) -> float:
    text = element.text.strip()
    if not _DOUBLE.fullmatch(text) or not math.isfinite(float(text)):
        raise MalformedMessage(f"{text[:80]!r} is not a double")
    return float(text)


def _base64(element: _Element) -> bytes:
    compact = "".join(element.text.split())
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except ValueError as error:
        raise MalformedMessage(f"base64 that is none: {error}") from error


def _nothing(element: _Element) -> None:
    return None


def _value(element: _Element) -> Value:
    """The typed child, or without one the text: a bare value is a string."""
    if not element.results:
        return element.text
    if element.text.strip():
        raise MalformedMessage("a value that is text and typed")
    value: Value = _first(element)
    return value


def _struct(element: _Element) -> dict[str, Value]:
    members: dict[str, Value] = dict(element.results)
    if len(members) != len(element.results):
        raise MalformedMessage("a struct that names a member twice")
    return members


def _fault(element: _Element) -> Fault:
    match element.results:
        case [{"faultCode": int(code), "faultString": str(text)}]:
            return Fault(code, text)
    raise MalformedMessage("a fault without a code and a text")


def _call(element: _Element) -> Call:
    match element.results:
        case [str(method)] if method:
            return Call(method, ())
        case [str(method), params] if method:
            return Call(method, tuple(params))
    raise MalformedMessage("a call of nothing")


def _response(element: _Element) -> Reply | Fault:
    match element.results:
        case [Fault() as fault]:
            return fault
        case [[value]]:
            return Reply(value)
    raise MalformedMessage("a response that is not one value")


def _member(element: _Element) -> tuple[str, Value]:
    match element.results:
        case [str(name), value]:
            return name, value
    raise MalformedMessage("a member that is not a name and a value")


def _all(element: _Element) -> list[Value]:
    return element.results


def _first(element: _Element) -> Any:
    if not element.results:
        raise MalformedMessage(f"an empty <{element.name}>")
    return element.results[0]


#: What each element amounts to once it has ended.
_READINGS: dict[str, Callable[[_Element], object]] = {
    "string": _text,
    "int": _integer,
    "i4": _integer,
    "boolean": _boolean,
    "double": _double,
    "base64": _base64,
    "nil": _nothing,
    "array": _first,
    "data": _all,
    "struct": _struct,
    "member": _member,
    "name": _text,
    "value": _value,
    "param": _first,
    "params": _all,
    "fault": _fault,
    "methodName": _text,
    "methodCall": _call,
    "methodResponse": _response,
}
_TYPES = frozenset(["string", "int", "i4", "boolean", "double", "base64", "nil", "array", "struct"])
_VALUE = frozenset(["value"])
#: Which elements may be the first, second, … child of an element; "" is the document itself.
_CHILDREN: dict[str, tuple[frozenset[str], ...]] = {
    "": (frozenset(["methodCall", "methodResponse"]),),
    "methodCall": (frozenset(["methodName"]), frozenset(["params"])),
    "methodResponse": (frozenset(["params", "fault"]),),
    "fault": (_VALUE,),
    "param": (_VALUE,),
    "value": (_TYPES,),
    "array": (frozenset(["data"]),),
    "member": (frozenset(["name"]), _VALUE),
}
#: Which elements have any number of children, and of what name.
_REPEATED = {"params": "param", "data": "value", "struct": "member"}
_WITH_TEXT = frozenset(
    ["string", "int", "i4", "boolean", "double", "base64", "name", "value", "methodName"]
)


class _Reading:
    """One document on its way through the parser."""

    def __init__(self) -> None:
        self._open = [_Element("")]
        self._elements = 0

    def start(self, name: str, attributes: list[str]) -> None:
        """An element begins: it must be allowed here and have no attributes."""
        outer = self._open[-1]
        if _REPEATED.get(outer.name) != name:
            children = _CHILDREN.get(outer.name, ())
            place = len(outer.results)
            if place >= len(children) or name not in children[place]:
                raise MalformedMessage(f"<{name[:80]}> where it does not belong")
        if attributes:
            raise MalformedMessage(f"<{name}> with attributes")
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise MalformedMessage(f"more than {MAX_ELEMENTS} elements")
        if len(self._open) > MAX_DEPTH:
            raise MalformedMessage(f"more than {MAX_DEPTH} elements deep")
        self._open.append(_Element(name))

    def end(self, name: str) -> None:
        """An element has ended: what it amounts to becomes part of the one around it."""
        element = self._open.pop()
        self._open[-1].results.append(_READINGS[name](element))

    def text(self, text: str) -> None:
        """Text in the innermost element, in pieces of at most `_BUFFER` characters."""
        element = self._open[-1]
        if element.name in _WITH_TEXT:
            element.text += text
        elif not text.isspace():
            raise MalformedMessage(f"text in <{element.name}>")

    def message(self) -> Call | Reply | Fault:
        """What the document, which has ended, amounts to."""
        message: Call | Reply | Fault = self._open[0].results[0]
        return message


def _refuse(*_: object) -> NoReturn:
    raise MalformedMessage("a document type, an entity or a processing instruction")


def _read(body: bytes) -> Call | Reply | Fault:
    if len(body) > MAX_BYTES:
        raise MalformedMessage(f"{len(body)} bytes; a message has at most {MAX_BYTES}")
    reading = _Reading()
    # The encoding named here overrides the declared one: no decoder is looked up by name.
    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.buffer_size = _BUFFER
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError) as error:
        raise MalformedMessage(str(error)) from error
    return reading.message()
