"""Rows of CSV (RFC 4180) that spreadsheets and databases read alike.

Layer 7, pure. Tests: tests/unit/scripts/test_sheets.py.
"""

from collections.abc import Iterable
from typing import Any

from buildfarm.vocab.text import shown

#: What makes a spreadsheet take a text for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_QUOTED = frozenset(',"\r\n')


def row(values: Iterable[Any]) -> str:
    """One row, with its line end. None is empty; control characters are escaped."""
    return ",".join(map(_cell, values)) + "\r\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    # Strangers write versions, reasons and names; numbers are ours, and may be negative.
    if isinstance(value, str):
        text = shown(f"'{text}" if text.startswith(_FORMULA) else text)
    return '"' + text.replace('"', '""') + '"' if _QUOTED & set(text) else text
