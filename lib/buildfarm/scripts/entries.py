"""Entries of the web service as plain values: how they are listed, which fields are printed.

Layer 7, pure. Tests: tests/unit/scripts/test_entries.py.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

BUILD_FIELDS = (
    "id",
    "title",
    "source_package_name",
    "source_package_version",
    "arch_tag",
    "archive_name",
    "suite",
    "buildstate",
    "builder_name",
    "datecreated",
    "date_started",
    "datebuilt",
    "duration",
    "score",
    "dependencies",
    "failnotes",
    "requester",
    "self_link",
)

ATTEMPT_FIELDS = (
    "id",
    "build_id",
    "number",
    "source_package_name",
    "source_package_version",
    "arch_tag",
    "archive_name",
    "suite",
    "builder_name",
    "state",
    "outcome",
    "date_claimed",
    "date_sent",
    "date_confirmed",
    "date_gathered",
    "date_closed",
    "reason",
)


#: Entries that the farm gives at once at most; launchpadlib by itself asks for 50.
PART = 300


def every(collection: Any) -> Iterator[Any]:
    """Every entry of a collection of launchpadlib's, in as few requests as can be."""
    start = 0
    while part := collection[start : start + PART]:
        yield from part
        if len(part) < PART:
            return
        start += PART


def fields_of(entry: Any, names: Sequence[str]) -> dict[str, Any]:
    """These fields of launchpadlib's `entry`; times in ISO 8601."""
    return {name: plain(value) for name, value in values_of(entry, names).items()}


def values_of(entry: Any, names: Sequence[str]) -> dict[str, Any]:
    """The same as launchpadlib gives them.

    As attributes they would cost three times as much: it looks for operations of that name first.
    """
    return {name: entry.lp_get_parameter(name) for name in names}


def plain(value: Any) -> Any:
    """A value of launchpadlib's as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value
