"""What XML-RPC messages amount to: values, calls, faults; and the bounds of a message.

Layer 1. Written by `wire.rpcwriting`, read by `wire.rpcreading`; tests: tests/unit/wire.

Values are None, bool, int (32 bit), float, str, bytes, list and dict with str keys. XML-RPC's
times are used by no builder and refused.
"""

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | bytes | list["Value"] | dict[str, "Value"] | None

#: Bytes in a message. A status with a full log tail has 3,500, one with 500 results 90,000.
MAX_BYTES = 1024 * 1024
#: XML tags in a message: about 2,000 results in a status. Bounds the time of one reading.
MAX_TAGS = 16 * 1024
#: Arrays and structs in each other.
MAX_DEPTH = 12

#: What XML-RPC calls an int.
INT_RANGE = range(-(2**31), 2**31)


class MalformedMessage(ValueError):
    """The bytes are not a message of this protocol, or the value cannot be made one."""


@dataclass(frozen=True, slots=True)
class Call:
    """A method call."""

    method: str
    params: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What answers a call instead of a value."""

    code: int
    text: str
