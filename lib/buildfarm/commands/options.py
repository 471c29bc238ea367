"""Options and answers that several commands have.

Layer 7. Tests: tests/unit/commands/test_commands.py.
"""

from typing import Any

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")

pass_manager = click.pass_obj


def changes_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that options named, those given as several values as lists.

    Raises UsageError where none was.
    """
    changes = {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in given.items()
        if value not in (None, ())
    }
    if not changes:
        raise click.UsageError("Say what is to be changed; see --help.")
    return changes
