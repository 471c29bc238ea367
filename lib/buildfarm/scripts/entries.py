"""Entries of the web service as plain values: which fields scripts print and export.

Layer 7, pure. Tests: tests/unit/scripts/test_entries.py.
"""

from collections.abc import Sequence
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


def fields_of(entry: Any, names: Sequence[str]) -> dict[str, Any]:
    """These fields of launchpadlib's `entry`; times in ISO 8601."""
    return {name: plain(getattr(entry, name)) for name in names}


def plain(value: Any) -> Any:
    """A value of launchpadlib's as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value
