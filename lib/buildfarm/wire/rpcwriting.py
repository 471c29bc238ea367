"""XML-RPC messages from values.

Layer 1. Tests: tests/unit/wire/test_rpcwriting.py. The only error is `MalformedMessage`, where a
value has no XML-RPC form; it is raised before anything is sent.
"""

import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildfarm.wire.rpcvalues import INT_RANGE, Fault, MalformedMessage

# What XML 1.0 cannot carry in any spelling.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def encode_call(method: str, params: Sequence[object] = ()) -> bytes:
    """The message that calls `method`."""
    encoded = "".join(f"<param>{_encoded(param)}</param>" for param in params)
    return _document(
        f"<methodCall><methodName>{_escaped(method)}</methodName>"
        f"<params>{encoded}</params></methodCall>"
    )


def encode_reply(value: object) -> bytes:
    """The message that answers a call with `value`."""
    return _document(
        f"<methodResponse><params><param>{_encoded(value)}</param></params></methodResponse>"
    )


def encode_fault(fault: Fault) -> bytes:
    """The message that answers a call with `fault`."""
    value = _encoded({"faultCode": fault.code, "faultString": fault.text})
    return _document(f"<methodResponse><fault>{value}</fault></methodResponse>")


def _document(text: str) -> bytes:
    return f"<?xml version='1.0'?>\n{text}\n".encode()


def _encoded(value: object) -> str:
    form = _FORMS.get(type(value))
    if form is None:
        raise MalformedMessage(f"{type(value).__name__} has no XML-RPC form")
    return f"<value>{form(value)}</value>"


def _integer(value: int) -> str:
    if value not in INT_RANGE:
        raise MalformedMessage(f"{value} does not fit into 32 bits")
    return f"<int>{value}</int>"


def _double(value: float) -> str:
    if not math.isfinite(value):
        raise MalformedMessage(f"{value} is not a number that XML-RPC can carry")
    return f"<double>{value!r}</double>"


def _array(value: Sequence[object]) -> str:
    return f"<array><data>{''.join(map(_encoded, value))}</data></array>"


def _struct(value: Mapping[object, object]) -> str:
    return f"<struct>{''.join(map(_member, value.items()))}</struct>"


def _member(member: tuple[object, object]) -> str:
    name, value = member
    if not isinstance(name, str):
        raise MalformedMessage(f"{name!r} cannot name a member of a struct")
    return f"<member><name>{_escaped(name)}</name>{_encoded(value)}</member>"


def _escaped(text: str) -> str:
    if _NOT_XML.search(text):
        raise MalformedMessage(f"{text[:80]!r} has a character that XML cannot carry")
    return text.translate(_ESCAPES)


#: How each type is written; types that are not here have no form.
_FORMS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "<nil/>",
    bool: lambda value: f"<boolean>{value:d}</boolean>",
    int: _integer,
    float: _double,
    str: lambda value: f"<string>{_escaped(value)}</string>",
    bytes: lambda value: f"<base64>{binascii.b2a_base64(value, newline=False).decode()}</base64>",
    list: _array,
    tuple: _array,
    dict: _struct,
}
