"""Entries and pages as JSON, and their ETags.

The ETag of an entry has two halves, as lazr.restful's: the second covers what only people write,
and is all that a conditional write compares, so that a builder that goes on building meanwhile does
not refuse the operator's note.

Layer 5. Tests: tests/unit/webservice/test_representations.py.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

from buildfarm.webservice.declarations import REDACTED, EntryType, Field, Kind

#: Entries that are remembered as they were written; each has about 2 kB.
REMEMBERED = 5000


def entry(kind: EntryType, subject: Any, root: str) -> dict[str, Any]:
    """`subject` as it is sent."""
    fixed: dict[str, Any] = {}
    writable: dict[str, Any] = {}
    for declared in kind.fields:
        half = writable if declared.writable and not declared.moves else fixed
        half[declared.wire_name] = _value(declared, subject, root)
    return {
        "self_link": link(root, kind.path(subject)),
        "resource_type_link": f"{root}#{kind.kind_of(subject) if kind.kind_of else kind.name}",
        "http_etag": f'"{_digest(fixed)}-{_digest(writable)}"',
        **fixed,
        **writable,
    }


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as JSON, and its ETag."""

    body: bytes
    etag: str


def written(kind: EntryType, subject: Any, root: str) -> Written:
    """As `entry`. What was written of an equal subject is used again: most of a farm stands still.

    A list of builders costs a tenth so, and does not hold the reactor up.
    """
    try:
        hash(subject)
    except TypeError:  # it has lists in it
        return _write(kind, subject, root)
    return _kept(kind, subject, root)


def with_entries(values: dict[str, Any], entries: Sequence[bytes]) -> bytes:
    """`values` as JSON, with `entries`, which are JSON, among them."""
    return b'%b, "entries": [%b]}' % (document(values)[:-1], b", ".join(entries))


def _write(kind: EntryType, subject: Any, root: str) -> Written:
    shown = entry(kind, subject, root)
    return Written(document(shown), shown["http_etag"])


_kept = lru_cache(maxsize=REMEMBERED)(_write)


def same_to_write(etag: str, wanted: str) -> bool:
    """Whether a write that expects the entry to be `wanted` may go on: writable halves agree."""
    return wanted == "*" or etag.strip('"').rpartition("-")[2] == _writable_half(wanted)


def _writable_half(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"').rpartition("-")[2]


def link(root: str, path: str | None) -> str | None:
    """The URL of `path` below `root`."""
    return None if path is None else root + path.lstrip("/")


def site_of(root: str) -> str:
    """The root of the web site of which the service at `root` is a part."""
    return root.rstrip("/").rpartition("/")[0] + "/"


def document(value: Any) -> bytes:
    """`value` as JSON: times in ISO 8601 UTC, durations in seconds."""
    return json.dumps(value, default=_plain, separators=(", ", ": ")).encode()


def _value(declared: Field, subject: Any, root: str) -> Any:
    value = declared.read(subject)
    if value == REDACTED:
        return value
    if declared.kind in (Kind.LINK, Kind.COLLECTION):
        return link(root, value)
    if declared.kind is Kind.WEB:
        return value and site_of(root) + value
    return value


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha1(document(values), usedforsecurity=False).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    raise TypeError(f"{value!r} has no place in JSON")
