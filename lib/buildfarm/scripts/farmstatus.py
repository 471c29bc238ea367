"""`farm-status`: the status page in a terminal.

Layer 7. Tests: tests/functional/scripts/test_farm_status.py, tests/unit/scripts/test_farmstatus.py.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from buildfarm.console.options import as_json
from buildfarm.console.outcome import run_to_exit
from buildfarm.console.tables import print_json, print_lines, print_table, terminal_table
from buildfarm.scripts.ages import lasting
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmCommand, with_farm
from buildfarm.vocab.errors import FarmUnreachable, Refused
from buildfarm.vocab.glance import Doing
from buildfarm.vocab.text import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

_QUEUES = ("PROCESSOR", "KIND", "BUILDERS", "WAITING", "WORK")
_BUILDERS = ("BUILDER", "STATE", "FOR", "MODE", "PROCESSORS", "WHAT")

#: Who needs somebody comes first.
_ORDER = {one.value: place for place, one in enumerate(Doing)}


@click.command("farm-status", cls=FarmCommand, context_settings=CONTEXT, epilog=ENDING)
@click.option(
    "--watch", "watch_it", is_flag=True, help="Stay and draw it again and again, until Ctrl-C."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=1.0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@as_json
@with_farm
def cli(farm: Farm, watch_it: bool, interval: float, json_wanted: bool) -> None:
    """Show a farm at a glance: its builders, those that need somebody first, and what waits.

    \b
    Examples:
      farm-status
      farm-status --farm https://farm.example --watch
      farm-status --json | jq '.builders[] | select(.state == "disabled").name'
    """
    if watch_it and json_wanted:
        raise click.UsageError("--watch and --json do not go together.")
    if watch_it:
        watch(farm, interval)
        return
    found = look(farm)
    if json_wanted:
        print_json(found)
        return
    print_lines(summary(found))
    if found["queues"]:
        click.echo()
        print_table(_QUEUES, queue_rows(found))
    if found["builders"]:
        click.echo()
        print_table(_BUILDERS, builder_rows(found))


def look(farm: Farm) -> Mapping[str, Any]:
    """The whole farm, now. Raises Refused, FarmUnreachable."""
    found: Mapping[str, Any] = farm.service.builders.getOverview()
    return found


def summary(found: Mapping[str, Any]) -> list[str]:
    """The farm in a few sentences; the last ones say what keeps it from working."""
    counts = Counter(one["state"] for one in found["builders"])
    told = ", ".join(f"{counts[one.value]} {one.value}" for one in Doing if counts[one.value])
    builds = sum(queue["builds"] for queue in found["queues"])
    return [
        f"Builders: {told or 'none'}. Builds that wait: {builds}.",
        *found["pauses"],
    ]


def queue_rows(found: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """For each kind of builder: how many there are, what waits for them, how much work that is."""
    numbers = Counter(
        (processor, one["virtualized"])
        for one in found["builders"]
        for processor in one["processors"]
    )
    waiting = {(one["processor"], one["virtualized"]): one for one in found["queues"]}
    return [
        (
            processor,
            "virtual" if virtualized else "real",
            numbers[processor, virtualized],
            queue["builds"],
            lasting(timedelta(seconds=queue["duration"])),
        )
        for (processor, virtualized), queue in sorted(waiting.items())
    ]


def builder_rows(found: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Every builder with what it does: its build and the log's last line, or what is wrong."""
    now = datetime.fromisoformat(found["time"])
    ordered = sorted(found["builders"], key=lambda one: (_ORDER[one["state"]], one["name"]))
    return [
        (
            one["name"],
            one["state"],
            None if one["since"] is None else lasting(now - datetime.fromisoformat(one["since"])),
            "manual" if one["manual"] else "auto",
            one["processors"],
            _what(one),
        )
        for one in ordered
    ]


def _what(one: Mapping[str, Any]) -> str | None:
    if one["reason"]:
        return str(one["reason"])
    if not one["is_building"]:
        return None
    if one["build_id"] is None:
        return "building something private"
    return f"{one['build_id']}: {one['title']}" + (
        f" | {line}" if (line := one["log_line"]) else ""
    )


def watch(farm: Farm, interval: float) -> None:
    """Draw the farm every `interval` seconds, until Ctrl-C. Raises Refused."""
    if not sys.stdout.isatty():
        raise Refused("--watch draws on a terminal, and there is none.")
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    found = look(farm)
    trouble = ""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(_picture(found, trouble), refresh=True)
                time.sleep(interval)
                try:
                    found, trouble = look(farm), ""
                except FarmUnreachable as error:
                    trouble = str(error)
        except KeyboardInterrupt:
            return


def _picture(found: Mapping[str, Any], trouble: str) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    lines = [Text(shown(line)) for line in summary(found)]
    last = found["time"][:19].replace("T", " ")
    lines.append(
        Text(shown(trouble or f"As of {last} UTC; Ctrl-C ends."), "red" if trouble else "dim")
    )
    tables = [
        terminal_table(_QUEUES, queue_rows(found)),
        terminal_table(_BUILDERS, builder_rows(found)),
    ]
    return Group(*lines, *tables)


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "farm-status")
