"""`buildd-manager sweep`.

Layer 7. Tests: tests/functional/commands/test_sweep.py.
"""

from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json


@click.command()
@click.option("--last", is_flag=True, help="Say what the manager's last sweep removed instead.")
@as_json
@pass_manager
def sweep(manager: Manager, last: bool, json_wanted: bool) -> None:
    """Remove what is older than [retention] says, now.

    The manager does so by itself once an hour, and when its disk has too little room. Nothing is
    removed that a build or a backup younger than [retention] files may need.

    \b
    Example:
      buildd-manager sweep --last
    """
    removed = manager.ask("sweep.last" if last else "sweep")
    if json_wanted:
        print_json(removed)
    elif removed is None:
        click.echo("There was no sweep yet since the manager started.")
    else:
        click.echo(_sentence(removed))


def _sentence(removed: dict[str, Any]) -> str:
    began = removed.pop("began")
    counts = ", ".join(f"{count:,} {name}" for name, count in removed.items() if count)
    return f"Removed by the sweep that began at {began}: {counts or 'nothing'}."
