"""Which of two package versions is later, as dpkg orders them (deb-version(7)).

Layer 1: pure. Tests: tests/unit/verdicts/test_debversions.py, against python-debian.
"""

import re

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_VERSION = re.compile(r"(?:[0-9]+:)?[0-9A-Za-z.+~:-]+")


def is_version(text: str) -> bool:
    """Whether `text` can be a version at all."""
    return len(text) < 1000 and _VERSION.fullmatch(text) is not None


def compare(one: str, other: str) -> int:
    """Below 0 where `one` is earlier than `other`, above 0 where it is later, else 0."""
    for mine, theirs in zip(_split(one), _split(other), strict=True):
        if order := _compare_part(mine, theirs):
            return order
    return 0


def _split(version: str) -> tuple[str, str, str]:
    """Epoch, upstream version and revision; a missing epoch or revision is 0."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdigit():
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if dash else (epoch, rest, "0")


def _compare_part(mine: str, theirs: str) -> int:
    while mine or theirs:
        my, their = _PARTS.match(mine), _PARTS.match(theirs)
        assert my is not None and their is not None, "it matches anything"
        if order := _compare_words(my[1], their[1]):
            return order
        if order := int(my[2] or "0") - int(their[2] or "0"):
            return order
        mine, theirs = mine[my.end() :], theirs[their.end() :]
    return 0


def _compare_words(mine: str, theirs: str) -> int:
    for place in range(max(len(mine), len(theirs))):
        order = _weight(mine[place : place + 1]) - _weight(theirs[place : place + 1])
        if order:
            return order
    return 0


def _weight(character: str) -> int:
    """`~` comes before the end of a part, that before letters, those before all else."""
    if character == "~":
        return -1
    if not character:
        return 0
    return ord(character) if character.isalpha() else ord(character) + 256
