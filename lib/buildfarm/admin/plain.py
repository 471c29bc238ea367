"""Snapshots as JSON can hold them.

Layer 5. Field names stay those of DESIGN section 2, enums become their words, times ISO 8601 UTC.
Tests: tests/unit/admin/test_plain.py.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from buildfarm.vocab.secrets import without_secrets


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind
    """`value` made of dicts, lists, texts, numbers, booleans and None.

    Dataclasses become dicts of their fields, naive UTC times end in `Z`, secrets are blotted out.
    """
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat(timespec="milliseconds") + "Z"
        case str():
            return without_secrets(value)
        case Path():
            return str(value)
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value
