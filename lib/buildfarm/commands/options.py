"""Options and answers that several commands have.

Layer 7. Tests: tests/unit/commands/test_commands.py.
"""

from typing import Any

import click

from buildfarm.console.options import as_json

__all__ = ["as_json", "changes_of", "pass_manager"]

pass_manager = click.pass_obj


def changes_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that options named; an empty text takes a value away, or all of several.

    Raises UsageError where no option was given.
    """
    changes = {
        field: [one for one in value if one] if isinstance(value, tuple) else value
        for field, value in given.items()
        if value not in (None, ())
    }
    if not changes:
        raise click.UsageError("Say what is to be changed; see --help.")
    return {field: None if value == "" else value for field, value in changes.items()}
