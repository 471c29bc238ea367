"""Entries and pages as JSON, and their ETags.

The ETag of an entry has two halves, as lazr.restful's: the second covers what only people write,
and is all that a conditional write compares, so that a builder that goes on building meanwhile does
not refuse the operator's note.

Layer 5. Tests: tests/unit/webservice/test_representations.py.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from buildfarm.webservice.declarations import EntryType, Field, Kind

#: What stands for a value that this visitor may not see; launchpadlib knows it.
REDACTED = "tag:launchpad.net:2008:redacted"


def entry(kind: EntryType, subject: Any, root: str, *, private: bool) -> dict[str, Any]:
    """`subject` as it is sent; values that are private are there where `private` is true."""
    fixed: dict[str, Any] = {}
    writable: dict[str, Any] = {}
    for declared in kind.fields:
        half = writable if declared.writable and not declared.moves else fixed
        half[declared.wire_name] = _value(declared, subject, root, private)
    return {
        "self_link": link(root, kind.path(subject)),
        "resource_type_link": f"{root}#{kind.kind_of(subject) if kind.kind_of else kind.name}",
        "http_etag": f'"{_digest(fixed)}-{_digest(writable)}"',
        **fixed,
        **writable,
    }


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


def _value(declared: Field, subject: Any, root: str, private: bool) -> Any:
    if declared.private and not private:
        return REDACTED
    value = declared.read(subject)
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
