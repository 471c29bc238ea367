"""`buildd-manager chroot …`.

Layer 7. Tests: tests/unit/commands/test_commands.py, tests/functional/commands.
"""

from pathlib import Path

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table

_PARTS = 3


@click.group()
def chroot() -> None:
    """The tarballs that builds start from."""


@chroot.command("set")
@click.argument("place", metavar="DISTRIBUTION/SERIES/ARCH")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@pass_manager
def change(manager: Manager, place: str, file: Path, json_wanted: bool) -> None:
    """Have builds of a series and architecture start from the tarball FILE.

    \b
    Example:
      buildd-manager chroot set debian/bookworm/amd64 chroot-bookworm-amd64.tar.gz
    """
    parts = place.split("/")
    if len(parts) != _PARTS:
        raise click.UsageError(f"{place!r} is not of the form DISTRIBUTION/SERIES/ARCH.")
    names = ("distribution", "series", "architecture")
    found = manager.ask("chroot.set", dict(zip(names, parts, strict=True)), [file])
    if json_wanted:
        print_json(found)
    else:
        print_lines([f"Chroot of {place} set: {found['size']} bytes, SHA-256 {found['sha256']}."])


@chroot.command("list")
@as_json
@pass_manager
def list_chroots(manager: Manager, json_wanted: bool) -> None:
    """List the chroots."""
    found = manager.ask("chroot.list")
    if json_wanted:
        print_json(found)
        return
    columns = ("distribution", "series", "architecture", "image_type", "size", "sha256")
    headings = [column.upper() for column in columns]
    print_table(headings, ([one[column] for column in columns] for one in found))
