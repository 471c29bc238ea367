"""`buildd-manager archive …`.

Layer 7. Tests: tests/unit/commands/test_commands.py, tests/functional/commands.
"""

from pathlib import Path
from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.keys import read_key
from buildfarm.commands.options import as_json, changes_of, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table

_KINDS = ("directory", "reprepro", "command")


def _uploader(
    context: click.Context, parameter: click.Parameter, value: str
) -> tuple[str, str | None]:
    """KIND[:PATH] as kind and path, the path made absolute where the command was given."""
    kind, colon, path = value.partition(":")
    if kind not in _KINDS or bool(colon) is not bool(path):
        raise click.BadParameter(
            f"{value!r} is not KIND[:PATH] with a KIND of {', '.join(_KINDS)}."
        )
    return kind, str(Path(path).absolute()) if path else None


_key_option = click.option(
    "--key", "keys", multiple=True, type=click.Path(path_type=Path),
    help="A file with public keys that sign what --base names.",
)  # fmt: skip


@click.group()
def archive() -> None:
    """The archives that builds are published into."""


@archive.command()
@click.argument("name")
@click.option("--suite", "suites", multiple=True, required=True, help="Repeat for more.")
@click.option("--distribution", default="debian", show_default=True)
@click.option("--arch", "architectures", multiple=True, default=("amd64",), show_default=True)
@click.option("--nominated-arch", help="Builds Architecture: all.  [default: the first --arch]")
@click.option("--component", default="main", show_default=True)
@click.option("--base", "bases", multiple=True, help="A whole `deb …` line that builds may use.")
@_key_option
@click.option(
    "--uploader",
    required=True,
    metavar="KIND[:PATH]",
    callback=_uploader,
    help="reprepro: an archive for apt. directory: results are put into PATH/incoming. "
    "command: the program PATH publishes them.",
)
@click.option(
    "--sign-with",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file with the secret key that signs this archive (no passphrase).",
)
@click.option("--make-key", is_flag=True, help="Make a key that signs this archive.")
@click.option("--private", is_flag=True, help="Not shown to everybody.")
@click.option("--virtualized", is_flag=True, help="Build on virtual builders only.")
@as_json
@pass_manager
def add(manager: Manager, /, json_wanted: bool, **given: Any) -> None:
    """Add the archive NAME, and make what its uploader needs.

    \b
    Examples:
      buildd-manager archive add main --suite bookworm --uploader reprepro --make-key \\
          --base 'deb http://your.mirror/debian bookworm main' \\
          --key /usr/share/keyrings/debian-archive-keyring.gpg
      buildd-manager archive add incoming --suite bookworm --uploader directory:/srv/incoming
    """
    kind, path = given["uploader"]
    params = {
        "name": given["name"],
        "distribution": given["distribution"],
        "suites": given["suites"],
        "architectures": given["architectures"],
        "nominated_architecture": given["nominated_arch"] or given["architectures"][0],
        "component": given["component"],
        "bases": given["bases"],
        "trusted_keys": [read_key(key) for key in given["keys"]],
        "uploader": kind,
        "path": path,
        "make_key": given["make_key"],
        "private": given["private"],
        "virtualized": given["virtualized"],
    }
    secret_key = [given["sign_with"]] if given["sign_with"] else []
    _tell(manager.ask("archive.add", params, secret_key), "added", json_wanted)


@archive.command("set")
@click.argument("name")
@click.option("--suite", "suites", multiple=True, help="Replaces all, as each of these does.")
@click.option("--arch", "architectures", multiple=True)
@click.option("--nominated-arch", "nominated_architecture")
@click.option("--component")
@click.option("--base", "bases", multiple=True)
@_key_option
@click.option("--private/--public", "private", default=None)
@click.option("--virtualized/--not-virtualized", "virtualized", default=None)
@as_json
@pass_manager
def change(manager: Manager, /, name: str, json_wanted: bool, **given: Any) -> None:
    """Change the archive NAME.

    \b
    Example:
      buildd-manager archive set main --suite bookworm --suite trixie
    """
    keys = tuple(read_key(key) for key in given.pop("keys"))
    changes = changes_of({**given, "trusted_keys": keys})
    answer = manager.ask("archive.set", {"name": name, "changes": changes})
    _tell(answer, "changed", json_wanted)


_right = click.option(
    "--right",
    type=click.Choice(("read", "upload")),
    default="read",
    show_default=True,
    help="read: see a private archive. upload: submit to it, retry and cancel.",
)


@archive.command()
@click.argument("name")
@click.argument("person")
@_right
@pass_manager
def allow(manager: Manager, name: str, person: str, right: str) -> None:
    """Give PERSON, or a team, a right in the archive NAME."""
    manager.ask("archive.grant", {"archive": name, "name": person, "right": right})
    print_lines([f"{person} may {right} in the archive {name}."])


@archive.command()
@click.argument("name")
@click.argument("person")
@_right
@pass_manager
def disallow(manager: Manager, name: str, person: str, right: str) -> None:
    """Take a right in the archive NAME from PERSON, or from a team."""
    manager.ask("archive.withdraw", {"archive": name, "name": person, "right": right})
    print_lines([f"{person} may no longer {right} in the archive {name}."])


@archive.command("list")
@as_json
@pass_manager
def list_archives(manager: Manager, json_wanted: bool) -> None:
    """List the archives."""
    found = manager.ask("archive.list")
    if json_wanted:
        print_json(found)
        return
    columns = ("name", "distribution", "suites", "architectures", "uploader", "path", "key_id")
    headings = [column.upper() for column in columns]
    print_table(headings, ([one[column] for column in columns] for one in found))


def _tell(found: dict[str, Any], done: str, json_wanted: bool) -> None:
    if json_wanted:
        print_json(found)
    else:
        signed = f", signed with {found['key_id']}" if found["key_id"] else ""
        place = f"{found['uploader']} in {found['path']}"
        print_lines([f"Archive {found['name']} {done}: {place}{signed}."])
