"""`buildd-manager token …`.

Layer 7. Tests: tests/functional/commands/test_people.py.
"""

from pathlib import Path

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.credentials import require_place, write_credentials
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table

_LEVELS = ("read", "write", "administer")
_DAY = 86_400.0


@click.group()
def token() -> None:
    """Tokens for scripts, and links for browsers."""


@token.command()
@click.option("--person", required=True, help="For whom the token speaks.")
@click.option("--level", required=True, type=click.Choice(_LEVELS), help="What it allows at most.")
@click.option("--purpose", default="", help="What it is for; shown in lists.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="It expires after these.")
@click.option(
    "--credentials-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write launchpadlib's credentials into the new FILE (mode 0600).",
)
@click.option(
    "--consumer",
    default="buildd-manager",
    show_default=True,
    help="The name of the client in that file; `System-wide: NAME` for lp-shell.",
)
@as_json
@pass_manager
def create(
    manager: Manager,
    *,
    person: str,
    level: str,
    purpose: str,
    days: float | None,
    credentials_file: Path | None,
    consumer: str,
    json_wanted: bool,
) -> None:
    """Give a person a token. Its secret is shown now and never again.

    \b
    Example:
      buildd-manager token create --person ann --level write --purpose cron \\
          --credentials-file ~/.farm-credentials
    """
    lasts = None if days is None else days * _DAY
    params = {"person": person, "level": level, "purpose": purpose, "lasts": lasts}
    if credentials_file is not None:
        require_place(credentials_file, consumer)
    made = manager.ask("token.create", params)
    if credentials_file is not None:
        write_credentials(credentials_file, consumer, made["key"], made["secret"])
        made = {**made, "credentials_file": str(credentials_file)}
    if json_wanted:
        print_json(made)
    elif credentials_file is not None:
        print_lines([f"Token {made['id']} is in {credentials_file}."])
    else:
        print_lines([f"Token {made['id']}: key {made['key']}, secret {made['secret']}"])


@token.command("list")
@click.option("--person", help="Only those of this person.")
@as_json
@pass_manager
def list_tokens(manager: Manager, person: str | None, json_wanted: bool) -> None:
    """List tokens and sessions, the newest first."""
    found = manager.ask("token.list", {"person": person})
    if json_wanted:
        print_json(found)
        return
    columns = ("id", "kind", "person", "level", "consumer", "purpose", "used", "expires", "revoked")
    headings = [column.upper() for column in columns]
    print_table(headings, ([one[column] for column in columns] for one in found))


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@pass_manager
def revoke(manager: Manager, token_id: int) -> None:
    """Make the token ID good for nothing, at once."""
    manager.ask("token.revoke", {"token_id": token_id})
    print_lines([f"Token {token_id} is revoked."])


@token.command()
@click.argument("person")
@click.option(
    "--level",
    default="administer",
    show_default=True,
    type=click.Choice(_LEVELS),
    help="What they may do there at most.",
)
@pass_manager
def login(manager: Manager, person: str, level: str) -> None:
    """Print a link by which PERSON logs in to the page, once, within ten minutes.

    \b
    Example:
      buildd-manager token login ann
    """
    print_lines([manager.ask("token.login", {"person": person, "level": level})])
