"""`buildd-manager archive …`.

Layer 7. Tests: tests/functional/commands.
"""

from pathlib import Path
from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.commands.tables import print_json, print_lines, print_table
from buildfarm.vocab.errors import Refused

_KINDS = "directory:PATH, reprepro:PATH or command:PATH"


@click.group()
def archive() -> None:
    """The archives that builds are published into."""


@archive.command()
@click.argument("name")
@click.option("--suite", "suites", multiple=True, required=True, help="Repeat for more.")
@click.option("--distribution", default="debian", show_default=True)
@click.option("--arch", "architectures", multiple=True, default=("amd64",), show_default=True)
@click.option("--nominated-arch", help="Builds Architecture: all; the first --arch.")
@click.option("--component", default="main", show_default=True)
@click.option("--base", "bases", multiple=True, help="A whole `deb …` line that builds may use.")
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path), help="Armored.")
@click.option("--uploader", required=True, metavar="KIND:PATH", help=_KINDS)
@click.option("--sign-with", "key_id", help="Fingerprint of a key in the archive's keyring.")
@click.option("--make-key", is_flag=True, help="Make a key that signs this archive.")
@click.option("--private", is_flag=True)
@click.option("--virtualized", is_flag=True, help="Build on virtual builders only.")
@as_json
@pass_manager
def add(manager: Manager, json_wanted: bool, **given: Any) -> None:
    """Add the archive NAME, and make what its uploader needs.

    \b
    Examples:
      buildd-manager archive add main --suite bookworm --uploader reprepro:/srv/main --make-key \\
          --base 'deb http://your.mirror/debian bookworm main'
      buildd-manager archive add incoming --suite bookworm --uploader directory:/srv/incoming
    """
    kind, colon, path = given["uploader"].partition(":")
    if not colon or not path:
        raise click.UsageError(f"--uploader is {_KINDS}.")
    params = {
        "name": given["name"],
        "distribution": given["distribution"],
        "suites": list(given["suites"]),
        "architectures": list(given["architectures"]),
        "nominated_architecture": given["nominated_arch"] or given["architectures"][0],
        "component": given["component"],
        "bases": list(given["bases"]),
        "trusted_keys": _texts(given["keys"]),
        "uploader": kind,
        "path": str(Path(path).absolute()),
        "key_id": given["key_id"],
        "make_key": given["make_key"],
        "private": given["private"],
        "virtualized": given["virtualized"],
    }
    _tell(manager.ask("archive.add", params), "added", json_wanted)


@archive.command("set")
@click.argument("name")
@click.option("--suite", "suites", multiple=True, help="Replaces all of them, as all of these do.")
@click.option("--arch", "architectures", multiple=True)
@click.option("--nominated-arch", "nominated_architecture")
@click.option("--component")
@click.option("--base", "bases", multiple=True)
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path))
@click.option("--private/--public", "private", default=None)
@click.option("--virtualized/--not-virtualized", "virtualized", default=None)
@as_json
@pass_manager
def change(manager: Manager, name: str, json_wanted: bool, **given: Any) -> None:
    """Change the archive NAME."""
    changes = {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in given.items()
        if field != "keys" and value not in (None, ())
    }
    if given["keys"]:
        changes["trusted_keys"] = _texts(given["keys"])
    if not changes:
        raise click.UsageError("Nothing to change was named.")
    answer = manager.ask("archive.set", {"name": name, "changes": changes})
    _tell(answer, "changed", json_wanted)


@archive.command("list")
@as_json
@pass_manager
def list_archives(manager: Manager, json_wanted: bool) -> None:
    """List the archives."""
    found = manager.ask("archive.list", {})
    if json_wanted:
        print_json(found)
        return
    columns = ("name", "distribution", "suites", "architectures", "uploader", "path", "key_id")
    headings = [column.upper() for column in columns]
    print_table(headings, ([one[column] for column in columns] for one in found))


def _texts(paths: tuple[Path, ...]) -> list[str]:
    texts = []
    for path in paths:
        try:
            texts.append(path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{path} cannot be read as an armored key: {error}.") from error
    return texts


def _tell(found: dict[str, Any], done: str, json_wanted: bool) -> None:
    if json_wanted:
        print_json(found)
    else:
        signed = f", signed with {found['key_id']}" if found["key_id"] else ""
        place = f"{found['uploader']} in {found['path']}"
        print_lines([f"Archive {found['name']} {done}: {place}{signed}."])
