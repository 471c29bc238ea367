"""`buildd-manager builder …`.

Layer 7. Tests: tests/unit/commands/test_commands.py, tests/functional/commands.
"""

from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, changes_of, pass_manager
from buildfarm.console.tables import print_fields, print_json, print_lines, print_table

_PROTOCOLS = click.Choice(["1.1", "2.0"])


@click.group()
def builder() -> None:
    """The builders of the farm."""


@builder.command()
@click.argument("name")
@click.argument("url")
@click.option("--processor", "processors", multiple=True, required=True, help="Repeat for more.")
@click.option("--title", default="")
@click.option("--virtualized", is_flag=True, help="Reset before every build.")
@click.option("--vm-host", help="Where the virtual machine runs.")
@click.option("--reset-protocol", type=_PROTOCOLS, help="How the end of a reset is reported.")
@click.option("--resource", "open_resources", multiple=True, help="Offered to every build.")
@click.option("--restricted-resource", "restricted", multiple=True, help="Kept for who asks.")
@click.option("--manual", is_flag=True, help="Nothing is dispatched to it by itself.")
@as_json
@pass_manager
def add(manager: Manager, /, json_wanted: bool, **given: Any) -> None:
    """Add the builder NAME whose daemon is at URL.

    \b
    Examples:
      buildd-manager builder add bob http://bob:8221/ --processor amd64
      buildd-manager builder add vm1 http://vm1:8221/ --processor amd64 --processor i386 \\
          --virtualized --vm-host host1 --reset-protocol 1.1
    """
    if given["virtualized"] and not (given["vm_host"] and given["reset_protocol"]):
        raise click.UsageError("--virtualized needs --vm-host and --reset-protocol.")
    params = {
        "name": given["name"],
        "url": given["url"],
        "processors": given["processors"],
        "title": given["title"],
        "virtualized": given["virtualized"],
        "vm_host": given["vm_host"],
        "vm_reset_protocol": given["reset_protocol"],
        "open_resources": given["open_resources"],
        "restricted_resources": given["restricted"],
        "manual": given["manual"],
    }
    _tell(manager.ask("builder.add", params), "added", json_wanted)


@builder.command("set")
@click.argument("name")
@click.option("--ok/--not-ok", "builderok", default=None, help="Use it again, or take it out.")
@click.option("--failnotes", help="Why it was taken out.")
@click.option("--manual/--auto", "manual", default=None, help="Dispatch to it by itself or not.")
@click.option("--clean-status", type=click.Choice(["CLEAN", "DIRTY"]), help="CLEAN ends a reset.")
@click.option("--url")
@click.option("--title")
@click.option("--processor", "processors", multiple=True, help="Replaces all of them.")
@click.option("--virtualized/--not-virtualized", "virtualized", default=None)
@click.option("--vm-host")
@click.option("--reset-protocol", "vm_reset_protocol", type=_PROTOCOLS)
@click.option("--resource", "open_resources", multiple=True, help="Replaces all; '' for none.")
@click.option("--restricted-resource", "restricted_resources", multiple=True, help="Likewise.")
@as_json
@pass_manager
def change(manager: Manager, /, name: str, json_wanted: bool, **given: Any) -> None:
    """Change the builder NAME.

    \b
    Examples:
      buildd-manager builder set bob --not-ok --failnotes "disk is dying"
      buildd-manager builder set bob --ok
      buildd-manager builder set vm1 --clean-status CLEAN
    """
    changes = changes_of(given)
    answer = manager.ask("builder.set", {"name": name, "changes": changes})
    _tell(answer, "changed", json_wanted)


@builder.command("list")
@click.option("--all", "include_inactive", is_flag=True, help="Removed ones too.")
@as_json
@pass_manager
def list_builders(manager: Manager, include_inactive: bool, json_wanted: bool) -> None:
    """List the builders with what they do."""
    found = manager.ask("builder.list", {"include_inactive": include_inactive})
    if json_wanted:
        print_json(found)
        return
    columns = ("NAME", "STATE", "CLEAN", "BUILD", "PROCESSORS", "VIRTUAL", "FAILURES", "URL")
    print_table(
        columns,
        (
            (
                one["name"],
                _state(one),
                None if one["build"] else one["clean_status"],
                one["build"],
                one["processors"],
                one["virtualized"],
                one["failure_count"],
                one["url"],
            )
            for one in found
        ),
    )


@builder.command()
@click.argument("name")
@as_json
@pass_manager
def show(manager: Manager, name: str, json_wanted: bool) -> None:
    """Show the builder NAME with its latest events."""
    found = manager.ask("builder.show", {"name": name})
    if json_wanted:
        print_json(found)
        return
    told, output = found.pop("events"), found.pop("reset_output")
    print_fields(found)
    print_lines(["", "Latest events:", *_told(told)])
    if output:
        print_lines(["", "Its last reset printed:", output])


@builder.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Even while it builds; that build goes elsewhere.")
@as_json
@pass_manager
def remove(manager: Manager, name: str, force: bool, json_wanted: bool) -> None:
    """Take the builder NAME out of the farm; its history stays."""
    answer = manager.ask("builder.remove", {"name": name, "force": force})
    _tell(answer, "removed", json_wanted)


def _told(events: list[dict[str, Any]]) -> list[str]:
    """A line for each thing that happened: one act may have several events with one reason."""
    lines = (f"  {one['time']} {_subject(one)}{one['reason']}" for one in events)
    return list(dict.fromkeys(lines))


def _subject(event: dict[str, Any]) -> str:
    return f"build {event['build_id']}: " if event["build_id"] else ""


def _state(found: dict[str, Any]) -> str:
    """In one word: whether the builder takes part."""
    if not found["active"]:
        return "removed"
    if not found["builderok"]:
        return "disabled"
    return "manual" if found["manual"] else "ok"


def _tell(found: dict[str, Any], done: str, json_wanted: bool) -> None:
    if json_wanted:
        print_json(found)
    else:
        print_lines([f"Builder {found['name']} {done}: {_state(found)}, {found['clean_status']}."])
