"""`buildd-manager person …`.

Layer 7. Tests: tests/functional/commands/test_people.py.
"""

from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table


@click.group()
def person() -> None:
    """People and teams, who use the web service and log in to the page."""


@person.command()
@click.argument("name")
@click.option("--display-name", default="", help="For reading.  [default: NAME]")
@click.option("--team", "is_team", is_flag=True, help="A team, which people can join.")
@as_json
@pass_manager
def add(manager: Manager, name: str, display_name: str, is_team: bool, json_wanted: bool) -> None:
    """Add the person NAME.

    \b
    Examples:
      buildd-manager person add ann --display-name 'Ann Other'
      buildd-manager person add --team launchpad-buildd-admins
      buildd-manager person join ann launchpad-buildd-admins
    """
    params = {"name": name, "display_name": display_name, "is_team": is_team}
    _tell(manager.ask("person.add", params), json_wanted)


@person.command("list")
@as_json
@pass_manager
def list_people(manager: Manager, json_wanted: bool) -> None:
    """List people and teams."""
    found = manager.ask("person.list")
    if json_wanted:
        print_json(found)
        return
    print_table(
        ("NAME", "DISPLAY NAME", "KIND", "ACTIVE", "TEAMS"),
        (
            (
                one["name"],
                one["display_name"],
                "team" if one["is_team"] else "person",
                one["active"],
                one["teams"],
            )
            for one in found
        ),
    )


@person.command("set")
@click.argument("name")
@click.option("--active/--inactive", required=True, help="Whether their tokens are good.")
@as_json
@pass_manager
def change(manager: Manager, name: str, active: bool, json_wanted: bool) -> None:
    """Let the person NAME in again, or let nobody in with their tokens."""
    _tell(manager.ask("person.set", {"name": name, "active": active}), json_wanted)


@person.command()
@click.argument("name")
@click.argument("team")
@as_json
@pass_manager
def join(manager: Manager, name: str, team: str, json_wanted: bool) -> None:
    """Make the person NAME a member of TEAM."""
    _tell(manager.ask("person.join", {"name": name, "team": team}), json_wanted)


@person.command()
@click.argument("name")
@click.argument("team")
@as_json
@pass_manager
def leave(manager: Manager, name: str, team: str, json_wanted: bool) -> None:
    """End the membership of the person NAME in TEAM."""
    _tell(manager.ask("person.leave", {"name": name, "team": team}), json_wanted)


@person.command()
@click.argument("name")
@click.argument("address", required=False)
@click.option("--none", is_flag=True, help="Send no mail any more.")
@as_json
@pass_manager
def mail(manager: Manager, name: str, address: str | None, none: bool, json_wanted: bool) -> None:
    """Show, or set, the ADDRESS at which the person NAME is told of builds."""
    if address is not None and none:
        raise click.UsageError("Give an address or --none, not both.")
    found = manager.ask("person.mail", {"name": name, "address": address, "none": none})
    if json_wanted:
        print_json(found)
    else:
        print_lines([found or f"{name} gets no mail."])


def _tell(found: dict[str, Any], json_wanted: bool) -> None:
    if json_wanted:
        print_json(found)
        return
    teams = f", in {', '.join(found['teams'])}" if found["teams"] else ""
    active = "" if found["active"] else ", inactive"
    print_lines([f"{found['name']} ({found['display_name']}){teams}{active}."])
