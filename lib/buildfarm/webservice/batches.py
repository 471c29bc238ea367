"""Collections in batches: which part is asked for, and the links to the parts beside it.

Layer 5. Tests: tests/unit/webservice/test_batches.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from buildfarm.vocab.errors import Refused

#: Entries in a batch where the client does not say, and the most it can ask for (Launchpad's).
DEFAULT_SIZE = 50
MOST = 300


@dataclass(frozen=True, slots=True)
class Batch:
    """`size` entries from `start` on, counted from 0."""

    start: int = 0
    size: int = DEFAULT_SIZE


def batch(given: Mapping[str, str]) -> Batch:
    """The batch that the query's `ws.start` and `ws.size` ask for. Raises Refused."""
    start = _count("ws.start", given.get("ws.start", "0"))
    size = _count("ws.size", given.get("ws.size", str(DEFAULT_SIZE)))
    if size > MOST:
        raise Refused(f"ws.size is {size}; the most is {MOST}.")
    return Batch(start, size)


def page(
    count: int,
    total: int,
    wanted: Batch,
    url: str,
    query: Mapping[str, str],
) -> dict[str, Any]:
    """What is told of a batch of `count` entries, apart from these.

    `total` is how many the collection at `url` has, asked for with `query`.
    """
    found: dict[str, Any] = {"start": wanted.start, "total_size": total}
    after = wanted.start + count
    if count and after < total:
        found["next_collection_link"] = _at(url, query, Batch(after, wanted.size))
    if wanted.start > 0:
        before = max(0, wanted.start - wanted.size)
        size = min(wanted.size, wanted.start - before)
        found["prev_collection_link"] = _at(url, query, Batch(before, size))
    return found


def _at(url: str, query: Mapping[str, str], wanted: Batch) -> str:
    others = {name: value for name, value in query.items() if name not in _OWN}
    asked = {**others, "ws.size": str(wanted.size), "ws.start": str(wanted.start)}
    return f"{url}?{urlencode(asked)}"


_OWN = frozenset({"ws.size", "ws.start"})


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refused(f"{name} is {text!r}: it must be a whole number.")
    return int(text)
