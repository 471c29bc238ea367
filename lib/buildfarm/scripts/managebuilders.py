"""`manage-builders`: look at builders and steer them, one, several, or all that fit.

Layer 7. Tests: tests/functional/scripts/test_manage_builders.py.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import Any

import click

from buildfarm.console.options import as_json
from buildfarm.console.outcome import run_to_exit
from buildfarm.console.tables import print_json, print_table, words
from buildfarm.scripts.ages import age, lasting
from buildfarm.scripts.asking import Change, carry_out, dry_run_option, yes_option
from buildfarm.scripts.builderviews import BuilderView, Wanted, builders_of
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmGroup, with_farm
from buildfarm.vocab.glance import Doing

#: The states as options have them.
_STATES = {one.value.replace(" ", "-"): one for one in Doing}


@click.group("manage-builders", cls=FarmGroup, context_settings=CONTEXT, epilog=ENDING)
@with_farm
def cli(farm: Farm) -> None:
    """Look at the builders of a farm, and steer them.

    Which builders: by name, by what they are and do, or --all. What changes something shows it and
    asks first.

    \b
    Examples:
      manage-builders list --state disabled
      manage-builders disable bob --note "its disk is broken"
      manage-builders enable --state disabled --arch arm64
      manage-builders reset --state cleaning --older-than 1h --yes
      manage-builders resources bob --open large --open gpu
    """


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments and options that say which builders; it gets them as Wanted."""

    @wraps(command)
    def chosen(
        *arguments: Any,
        names: tuple[str, ...],
        states: tuple[str, ...],
        processors: tuple[str, ...],
        virtualized: bool | None,
        mode: str | None,
        older_than: timedelta | None,
        newer_than: timedelta | None,
        **given: Any,
    ) -> Any:
        wanted = Wanted(
            names,
            frozenset(_STATES[state] for state in states),
            frozenset(processors),
            virtualized,
            None if mode is None else mode == "manual",
            older_than,
            newer_than,
        )
        return command(*arguments, wanted, **given)

    for option in reversed(_CHOICES):
        chosen = option(chosen)
    return chosen


_CHOICES = (
    click.argument("names", metavar="[NAME]...", nargs=-1),
    click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(list(_STATES)),
        help="Those that do this; repeat for more.",
    ),
    click.option("--arch", "processors", multiple=True, help="Those for this; repeat for more."),
    click.option("--virt/--nonvirt", "virtualized", default=None, help="VMs, or real machines."),
    click.option(
        "--mode", type=click.Choice(["manual", "auto"]), help="Those given nothing by themselves."
    ),
    click.option("--older-than", type=age, help="In their state for longer, such as 2h."),
    click.option("--newer-than", type=age, help="In their state for less, such as 10m."),
)


@cli.command("list")
@choosing
@as_json
@click.pass_obj
def list_builders(farm: Farm, wanted: Wanted, json_wanted: bool) -> None:
    """List builders with what they do, and since when."""
    now = datetime.now(UTC)
    found = wanted.among(builders_of(farm.service, wanted.names), now)
    if json_wanted:
        print_json([one.as_json() for one in found])
        return
    columns = ("NAME", "STATE", "FOR", "BUILD", "MODE", "PROCESSORS", "VIRTUAL", "NOTE")
    print_table(columns, (_row(one, now) for one in found))


def _row(one: BuilderView, now: datetime) -> tuple[Any, ...]:
    lasted = one.lasted(now)
    return (
        one.name,
        one.doing.value,
        None if lasted is None else lasting(lasted),
        one.build_id,
        "manual" if one.manual else "auto",
        list(one.processors),
        one.virtualized,
        one.reason,
    )


def changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command of a function that says what is to change: it gives fields with new values.

    Builders that have these values already are left out.
    """

    @click.option("--all", "everybody", is_flag=True, help="All builders, if no others are named.")
    @yes_option
    @dry_run_option
    @as_json
    @click.pass_obj
    @wraps(command)
    def changed(
        farm: Farm,
        /,
        wanted: Wanted,
        everybody: bool,
        yes: bool,
        dry_run: bool,
        json_wanted: bool,
        **given: Any,
    ) -> int:
        values = command(**given)
        if wanted.is_everything != everybody:
            raise click.UsageError("Say which builders: their names, what they do, or --all.")
        found = wanted.among(builders_of(farm.service, wanted.names), datetime.now(UTC))
        changes = [
            Change(one.name, _in_words(now), _in_words(values), partial(_set, one, values))
            for one in found
            if (now := {field: _value(one, field) for field in values}) != values
        ]
        return carry_out(
            changes,
            what="builders",
            yes=yes,
            dry_run=dry_run,
            json_wanted=json_wanted,
            refusal=farm.refusal_of_one,
        )

    return choosing(changed)


@cli.command()
@click.option("--note", required=True, help="Why; shown wherever the builder is.")
@changing
def disable(note: str) -> Mapping[str, Any]:
    """Take builders out: they are given nothing until they are enabled."""
    return {"builderok": False, "failnotes": note}


@cli.command()
@click.option("--note", help="Kept with them; else their note goes.")
@changing
def enable(note: str | None) -> Mapping[str, Any]:
    """Use builders again that were taken out."""
    # The farm itself forgets why a builder was out.
    return {"builderok": True} if note is None else {"builderok": True, "failnotes": note}


@cli.command()
@changing
def manual() -> Mapping[str, Any]:
    """Have builders given nothing by themselves, whatever waits."""
    return {"manual": True}


@cli.command()
@changing
def auto() -> Mapping[str, Any]:
    """Have builders given builds by themselves."""
    return {"manual": False}


@cli.command()
@changing
def reset() -> Mapping[str, Any]:
    """Declare idle builders dirty: they are reset, or cleaned, before they are used again."""
    return {"clean_status": "Dirty"}


@cli.command()
@click.option("--open", "open_resources", multiple=True, help="Offered to every build; '' none.")
@click.option("--restricted", multiple=True, help="Kept for who asks for it; '' for none.")
@changing
def resources(open_resources: tuple[str, ...], restricted: tuple[str, ...]) -> Mapping[str, Any]:
    """Say what builders offer besides their processors; replaces what they offered."""
    given = {"open_resources": open_resources, "restricted_resources": restricted}
    values = {field: [one for one in names if one] for field, names in given.items() if names}
    if not values:
        raise click.UsageError("Say --open or --restricted.")
    return values


def _value(one: BuilderView, field: str) -> Any:
    value = getattr(one, field)
    return list(value) if isinstance(value, tuple) else value


def _in_words(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{field}: {words(value)}" for field, value in values.items())


def _set(one: BuilderView, values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        setattr(one.entry, field, value)
    one.entry.lp_save()


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "manage-builders")
