"""Text that strangers wrote, made safe to show.

Builders and packages choose log lines, file names and error texts. On a terminal or in a log
a control character could move the cursor, hide lines or imitate our own output.
"""

import re

from buildfarm.vocab.secrets import without_secrets

# C0 controls but tab and newline, DEL, C1 controls, bidirectional overrides and line separators.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_COLOUR = re.compile("\x1b\\[[0-9;]{0,16}m")


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def shown(text: str, *, colour: bool = False) -> str:
    """`text` with every control character escaped, newline and tab kept.

    With `colour`, sequences that only set colours pass too (for logs on a terminal).
    """
    if not colour:
        return _UNSAFE.sub(_escape, text)
    parts: list[str] = []
    position = 0
    for match in _COLOUR.finditer(text):
        parts += [_UNSAFE.sub(_escape, text[position : match.start()]), match[0]]
        position = match.end()
    parts.append(_UNSAFE.sub(_escape, text[position:]))
    return "".join(parts)


def without_colour(text: str) -> str:
    """`text` without the sequences that set colours: where they would only be in the way."""
    return _COLOUR.sub("", text)


def one_line(text: str, limit: int = 300) -> str:
    """`text` escaped, without secrets, in one line of at most `limit` characters: for reasons."""
    line = shown(without_secrets(" ".join(text.split())))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def abridged(sentence: str, limit: int = 2000) -> str:
    """`sentence`, or its beginning and its end: it may quote what somebody has sent."""
    half = limit // 2
    return sentence if len(sentence) <= limit else f"{sentence[:half]} … {sentence[-half:]}"
