"""Asking before something is changed, and telling what came of it.

Layer 7. Without a terminal nobody is asked: what was not agreed to with `--yes` is refused.
Tests: tests/unit/scripts/test_asking.py.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from buildfarm.console.tables import print_json, print_table
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import shown

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask first.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would change, no more.")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to be done: to whom, in words what is now and what will be, and how."""

    name: str
    now: str
    then: str
    act: Callable[[], Any]


def carry_out(
    changes: Sequence[Change],
    *,
    what: str,
    yes: bool,
    dry_run: bool,
    json_wanted: bool,
    refusal: Callable[[Exception], str | None],
) -> int:
    """Show `changes`, ask, do them, and tell of each; the exit status: 1 where one was refused.

    `what` is what they are done to, in the plural. `refusal(error)` is the sentence for an error
    that ends one change only, None for one that ends all. Raises Refused where nobody agrees.
    """
    if not changes:
        return _nothing(what, json_wanted)
    if not json_wanted:
        print_table(("NAME", "NOW", "THEN"), ((one.name, one.now, one.then) for one in changes))
    if dry_run:
        return _told([(one, False, None) for one in changes], json_wanted)
    agree(f"Change these {what} ({len(changes)})?", yes=yes)
    return _told([_done(one, refusal) for one in changes], json_wanted)


def agree(question: str, *, yes: bool) -> None:
    """Return once the user has said yes. Raises Refused where they do not, or cannot."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("There is no terminal to ask on: say --yes, or --dry-run to look only.")
    if not click.confirm(question, err=True):
        raise Refused("Nothing was changed.")


_Result = tuple[Change, bool, str | None]


def _done(change: Change, refusal: Callable[[Exception], str | None]) -> _Result:
    try:
        change.act()
    except Exception as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        return change, False, sentence
    return change, True, None


def _nothing(what: str, json_wanted: bool) -> int:
    if json_wanted:
        print_json([])
    else:
        click.echo(f"There are no {what} to change.")
    return 0


def _told(results: Iterable[_Result], json_wanted: bool) -> int:
    every = list(results)
    if json_wanted:
        print_json(
            [
                {"name": one.name, "now": one.now, "then": one.then, "done": done, "error": error}
                for one, done, error in every
            ]
        )
    refused = [(one.name, error) for one, _, error in every if error is not None]
    for name, error in refused:
        click.echo(shown(f"{name}: {error}"), err=True)
    return 1 if refused else 0
