"""`buildd-manager submit`.

Layer 7. Tests: tests/unit/commands/test_commands.py, tests/functional/commands.
"""

from pathlib import Path

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines


@click.command()
@click.argument("dsc", metavar="FILE.dsc", type=click.Path(path_type=Path))
@click.option("--archive", required=True)
@click.option("--suite", required=True)
@click.option("--arch", "architectures", multiple=True, help="Only these; repeat for more.")
@click.option("--score", default=0, show_default=True, help="A higher score goes first.")
@as_json
@pass_manager
def submit(
    manager: Manager,
    dsc: Path,
    archive: str,
    suite: str,
    architectures: tuple[str, ...],
    score: int,
    json_wanted: bool,
) -> None:
    """Queue the source package FILE.dsc, whose files lie beside it, for building.

    \b
    Example:
      buildd-manager submit hello_2.10-3.dsc --archive main --suite bookworm
    """
    from buildfarm.intake.dsc import files_beside

    params = {
        "archive": archive,
        "suite": suite,
        "architectures": architectures,
        "score": score,
    }
    found = manager.ask("submit", params, [dsc, *files_beside(dsc)])
    if json_wanted:
        print_json(found)
        return
    print_lines(
        f"Build {one['id']}: {one['source']} {one['version']} {one['architecture']} "
        f"in {one['archive']}/{one['suite']}"
        for one in found
    )
