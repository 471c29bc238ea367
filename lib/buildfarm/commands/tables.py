"""What commands print: tables for people, JSON for scripts, both from the same answers.

Layer 7. Everything shown is data: it goes through rich as `Text`, never as markup, with control
characters escaped. In a pipe nothing is cut off. Tests: tests/unit/commands/test_tables.py.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from buildfarm.vocab.text import shown

#: Columns of output that goes to no terminal: nothing is cut or wrapped there.
_PIPE_WIDTH = 1000

#: How states stand out; everything else is plain.
_STYLES = {
    "FULLYBUILT": "green",
    "FAILEDTOBUILD": "red",
    "FAILEDTOUPLOAD": "red",
    "CHROOTWAIT": "red",
    "MANUALDEPWAIT": "yellow",
    "BUILDING": "cyan",
    "CLEAN": "green",
    "CLEANING": "yellow",
    "DIRTY": "yellow",
    "disabled": "red",
}


def print_json(value: Any) -> None:
    """For scripts: indented, one document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201 - this is the output


def console() -> Console:
    """Standard output, as wide as its terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(width=_PIPE_WIDTH, highlight=False, no_color=True)


def words(value: Any) -> str:
    """One field of an answer for a person."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(str, value)) or "-"
        case _:
            return shown(str(value))


def cell(value: Any) -> Text:
    """One field as rich shows it."""
    text = words(value)
    return Text(text, style=_STYLES.get(text, ""))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with these headings."""
    table = Table(*columns, box=box.SIMPLE if sys.stdout.isatty() else None, pad_edge=False)
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Names and values, one below the other."""
    width = max(map(len, fields), default=0)
    out = console()
    for name, value in fields.items():
        out.print(Text(f"{name:<{width}}  ", style="bold") + cell(value), soft_wrap=True)


def print_lines(lines: Iterable[str]) -> None:
    """Sentences, one a line."""
    out = console()
    for line in lines:
        out.print(Text(shown(line)), soft_wrap=True)
