"""Values from XML-RPC messages, which are a stranger's bytes.

Layer 1. Tests: tests/unit/wire/test_rpcreading.py.

What makes XML dangerous is refused before any of it is parsed: document types and with them
entities, processing instructions, comments and CDATA, other encodings, too many bytes or tags.
What is parsed must then have exactly the elements of XML-RPC, nested no deeper than the bound;
only attributes, which mean nothing in it, are passed over. The parser is the standard library's C
one: a status is read in 20 µs, half of what a parser with Python callbacks takes. Whatever the
bytes are, the only error is `MalformedMessage`.
"""

import binascii
import math
import re
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from buildfarm.wire.rpcvalues import (
    INT_RANGE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_TAGS,
    Call,
    Fault,
    MalformedMessage,
    Value,
)

_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_DOUBLE = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?")


def decode_call(body: bytes) -> Call:
    """The call in `body`."""
    call = _inside(_parsed(body, "methodCall"))
    if [child.tag for child in call] not in (["methodName"], ["methodName", "params"]):
        raise MalformedMessage("a call that is not one name and its parameters")
    method = _text(call[0])
    if not method:
        raise MalformedMessage("a call of nothing")
    params = _inside(call[1], "param") if len(call) > 1 else ()
    return Call(method, tuple(_value(_only(param, "value"), 0) for param in params))


def decode_reply(body: bytes) -> Value | Fault:
    """The value, or the fault, that `body` answers."""
    response = _parsed(body, "methodResponse")
    if len(response) and response[0].tag == "fault":
        return _fault(_value(_only(_only(response, "fault"), "value"), 0))
    return _value(_only(_only(_only(response, "params"), "param"), "value"), 0)


def _parsed(body: bytes, tag: str) -> Element:
    """The root element of `body`, which must have this tag."""
    if len(body) > MAX_BYTES:
        raise MalformedMessage(f"{len(body)} bytes; a message has at most {MAX_BYTES}")
    if body.count(b"<") > MAX_TAGS:
        raise MalformedMessage(f"a message of more than {MAX_TAGS} tags")
    declarations = body.count(b"<?")
    if b"<!" in body or declarations > 1 or (declarations and not body.startswith(b"<?xml ")):
        raise MalformedMessage("more of XML than elements and text")
    if b"\0" in body:  # UTF-16, in which the above would look otherwise
        raise MalformedMessage("a message that is not UTF-8")
    # The encoding named here overrides the declared one: no decoder is looked up by name.
    parser = ElementTree.XMLParser(encoding="utf-8")  # noqa: S314 - see above
    try:
        parser.feed(body)
        root = parser.close()
    except (ElementTree.ParseError, UnicodeError) as error:
        raise MalformedMessage(str(error)) from error
    if root.tag != tag:
        raise MalformedMessage(f"<{root.tag[:80]}> where <{tag}> was expected")
    return root


def _inside(element: Element, tag: str | None = None) -> Element:
    """`element` itself, in which are only elements with this `tag`, and no text between them."""
    stray = element.text
    if stray and not stray.isspace():
        raise MalformedMessage(f"text in <{element.tag}>")
    for child in element:
        stray = child.tail
        if stray and not stray.isspace():
            raise MalformedMessage(f"text in <{element.tag}>")
        if tag is not None and child.tag != tag:
            raise MalformedMessage(f"<{child.tag[:80]}> in <{element.tag}>")
    return element


def _only(element: Element, tag: str) -> Element:
    """The only element in `element`, which must have this tag."""
    if len(_inside(element, tag)) != 1:
        raise MalformedMessage(f"<{element.tag}> with {len(element)} elements in it")
    return element[0]


def _text(element: Element) -> str:
    """The text of an element that has nothing else in it."""
    if len(element):
        raise MalformedMessage(f"<{element.tag}> with elements in it")
    return element.text or ""


def _value(element: Element, depth: int) -> Value:
    """What a <value> holds; without a type it is a string."""
    if not len(element):
        return element.text or ""
    if len(_inside(element)) > 1:
        raise MalformedMessage("a value of more than one type")
    typed = element[0]
    reading = _READINGS.get(typed.tag)
    if reading is None:
        raise MalformedMessage(f"<{typed.tag[:80]}> is no type")
    return reading(typed, depth)


def _integer(element: Element, depth: int) -> int:
    text = _text(element).strip()
    if not _INTEGER.fullmatch(text) or int(text) not in INT_RANGE:
        raise MalformedMessage(f"{text[:80]!r} is not a 32 bit integer")
    return int(text)


def _boolean(element: Element, depth: int) -> bool:
    text = _text(element).strip()
    if text not in ("0", "1"):
        raise MalformedMessage(f"{text[:80]!r} is not a boolean")
    return text == "1"


def _double(element: Element, depth: int) -> float:
    text = _text(element).strip()
    if not _DOUBLE.fullmatch(text) or not math.isfinite(float(text)):
        raise MalformedMessage(f"{text[:80]!r} is not a double")
    return float(text)


def _base64(element: Element, depth: int) -> bytes:
    compact = "".join(_text(element).split())
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except ValueError as error:
        raise MalformedMessage(f"base64 that is none: {error}") from error


def _nil(element: Element, depth: int) -> None:
    if _text(element):
        raise MalformedMessage("nothing, with text in it")


def _array(element: Element, depth: int) -> list[Value]:
    depth = _deeper(depth)
    return [_value(child, depth) for child in _inside(_only(element, "data"), "value")]


def _struct(element: Element, depth: int) -> dict[str, Value]:
    depth = _deeper(depth)
    members: dict[str, Value] = {}
    for member in _inside(element, "member"):
        if [child.tag for child in _inside(member)] != ["name", "value"]:
            raise MalformedMessage("a member that is not a name and a value")
        members[_text(member[0])] = _value(member[1], depth)
    if len(members) != len(element):
        raise MalformedMessage("a struct that names a member twice")
    return members


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise MalformedMessage(f"arrays and structs more than {MAX_DEPTH} deep")
    return depth + 1


def _fault(value: Value) -> Fault:
    match value:
        case {"faultCode": int(code), "faultString": str(text)}:
            return Fault(code, text)
    raise MalformedMessage("a fault without a code and a text")


#: How the inside of each type is read.
_READINGS: dict[str, Callable[[Element, int], Value]] = {
    "string": lambda element, depth: _text(element),
    "int": _integer,
    "i4": _integer,
    "boolean": _boolean,
    "double": _double,
    "base64": _base64,
    "nil": _nil,
    "array": _array,
    "struct": _struct,
}
