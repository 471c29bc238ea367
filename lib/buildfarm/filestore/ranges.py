"""Which part of a file a request asks for.

Layer 3; tests in `tests/unit/filestore/test_ranges.py`. Pure. The rules are RFC 9110's, section
14: a header that cannot be understood is ignored. So is one that asks for several parts, which a
server may answer with the whole.
"""

import re

# More digits than any file has bytes are no number to us.
_RANGE = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")


class UnsatisfiableRangeError(ValueError):
    """The part asked for lies outside the file: 416."""


def wanted_range(header: bytes | None, size: int) -> range | None:
    """The positions that a `Range` header asks for in a file of `size` bytes; None for the whole.

    Raises UnsatisfiableRangeError.
    """
    match = _RANGE.fullmatch((header or b"").strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        wanted = range(max(0, size - int(match[2])), size)
    else:
        first = int(match[1])
        last = int(match[2]) if match[2] else size - 1
        if match[2] and last < first:
            return None
        wanted = range(first, min(last + 1, size))
    if not wanted:
        raise UnsatisfiableRangeError
    return wanted
