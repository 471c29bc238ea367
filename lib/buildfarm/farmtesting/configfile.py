"""Configuration files for managers that run as processes.

Beside the layers; for functional tests.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from buildfarm.vocab.settings import Settings


def as_toml(settings: Settings) -> str:
    """The configuration file that says `settings`."""
    lines: list[str] = []
    for section, values in asdict(settings).items():
        if isinstance(values, tuple):
            for table in values:
                lines += [f"[[{section}]]", *_lines(table)]
        else:
            lines += [f"[{section}]", *_lines(values)]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if value is not None:
            yield f"{key} = {json.dumps(value, default=str)}"
