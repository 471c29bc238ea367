"""What commands print: tables for people, JSON for scripts, both from the same answers.

Layer 1. Everything shown is data: control characters are escaped, and rich gets it as `Text`, never
as markup. On a terminal tables fit its width; in a pipe they are plain columns of which nothing is
cut off or wrapped, and rich, which takes a while to import, is not needed.
Tests: tests/unit/console/test_tables.py.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from buildfarm.vocab.text import shown

if TYPE_CHECKING:
    from rich.table import Table

#: How states stand out on a terminal; everything else is plain.
_STYLES = {
    "FULLYBUILT": "green",
    "FAILEDTOBUILD": "red",
    "FAILEDTOUPLOAD": "red",
    "CHROOTWAIT": "red",
    "MANUALDEPWAIT": "yellow",
    "BUILDING": "cyan",
    "GATHERING": "cyan",
    "UPLOADING": "cyan",
    "CLEAN": "green",
    "CLEANING": "yellow",
    "DIRTY": "yellow",
    "disabled": "red",
    "failing": "red",
    "reset failing": "red",
    "building": "cyan",
    "gathering": "cyan",
    "cleaning": "yellow",
    "idle": "green",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}


def print_json(value: Any) -> None:
    """For scripts: one document, indented; what is not ASCII is escaped."""
    click.echo(json.dumps(value, indent=2))


def words(value: Any) -> str:
    """One field of an answer for a person."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(words, value))
        case _:
            return shown(str(value))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with these headings; a field of several lines becomes one."""
    texts = _texts(rows)
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(terminal_table(columns, texts))
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for row in (columns, *texts):
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def print_fields(fields: Mapping[str, Any]) -> None:
    """Names and values, one below the other."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {words(value)}")


def print_lines(lines: Iterable[str]) -> None:
    """Sentences, one a line."""
    for line in lines:
        click.echo(shown(line))


def terminal_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "Table":
    """The same as a table of rich's, which fits the terminal's width."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in _texts(rows):
        table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in row))
    return table


def _texts(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    return [[" ".join(words(value).split()) for value in row] for row in rows]
