"""`buildd-manager notify …`.

Layer 7. Tests: tests/functional/admin/test_notifying.py.
"""

import sys

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table


@click.group()
def notify() -> None:
    """What is told of failures, by mail and by webhook."""


@notify.command("list")
@click.option("--all", "every", is_flag=True, help="Also what was told, or given up.")
@click.option("--limit", default=100, show_default=True)
@as_json
@pass_manager
def list_deliveries(manager: Manager, every: bool, limit: int, json_wanted: bool) -> None:
    """List what waits to be told, and why it still does."""
    found = manager.ask("notify.list", {"every": every, "limit": limit})
    if json_wanted:
        print_json(found)
        return
    print_table(
        ("KEY", "RECEIVER", "NEWS", "STATE", "TRIES", "DUE", "LAST ERROR"),
        (
            (
                one["key"],
                one["receiver"],
                one["count"],
                one["state"],
                one["tries"],
                one["due"],
                one["last_error"],
            )
            for one in found
        ),
    )


@notify.command()
@click.argument("receiver", required=False)
@as_json
@pass_manager
def test(manager: Manager, receiver: str | None, json_wanted: bool) -> int:
    """Send a test to RECEIVER, or to all; exit status 1 where somebody has not taken it.

    \b
    Examples:
      buildd-manager notify test
      buildd-manager notify test 'mail ops@farm.example'
      buildd-manager notify test 'webhook ci'
    """
    found = manager.ask("notify.test", {"receiver": receiver})
    if json_wanted:
        print_json(found)
    else:
        print_lines(f"{one['receiver']}: {one['error'] or 'taken'}" for one in found)
    sys.stdout.flush()
    return 0 if all(one["taken"] for one in found) else 1
