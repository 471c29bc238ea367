"""The wall clock, read here only and handed down to whatever writes times.

Layer 6. Tests: tests/meta/test_library.py, which holds that nothing else reads it.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Wall time as the whole farm writes it: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
