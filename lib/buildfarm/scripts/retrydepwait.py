"""`retry-depwait`: have a farm look now for what builds wait for, and try those again.

The farm does so by itself too; this is for cron, and for whoever does not want to wait.
Layer 7. Tests: tests/functional/scripts/test_retry_depwait.py.
"""

from typing import Any

import click

from buildfarm.console.options import as_json
from buildfarm.console.outcome import run_to_exit
from buildfarm.console.tables import print_json, print_lines
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmCommand, with_farm
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import shown


@click.command("retry-depwait", cls=FarmCommand, context_settings=CONTEXT, epilog=ENDING)
@click.argument("archives", metavar="[ARCHIVE]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Every archive that you may see.")
@click.option("--quiet", "-q", is_flag=True, help="Tell only of builds that are tried again.")
@as_json
@with_farm
def cli(
    farm: Farm, archives: tuple[str, ...], everybody: bool, quiet: bool, json_wanted: bool
) -> int:
    """Look now for what builds in dependency wait are waiting for, and try again those that can go.

    \b
    Examples:
      retry-depwait main
      retry-depwait --all --quiet
      retry-depwait main --json | jq '.[] | select(.retried).build_id'
    """
    if everybody == bool(archives):
        raise click.UsageError("Say which archives, or --all.")
    told, status = [], 0
    for archive in _chosen(farm, archives):
        try:
            found = archive.retryDepWaiting()
        except Exception as error:
            sentence = farm.refusal(error)
            if sentence is None:
                raise
            click.echo(shown(f"{archive.name}: {sentence}"), err=True)
            status = 1
            continue
        told += [{"archive": archive.name, **one} for one in found]
    if json_wanted:
        print_json(told)
    elif told or not status:
        _print(told, quiet=quiet)
    return status


def _chosen(farm: Farm, names: tuple[str, ...]) -> list[Any]:
    """The archives of these names, or all. Raises Refused for a name that none has."""
    found = {
        archive.name: archive
        for distribution in farm.service.distributions
        for archive in distribution.archives
    }
    missing = [name for name in names if name not in found]
    if missing:
        raise Refused(f"There is no archive {', '.join(missing)}, or none that you may see.")
    return [found[name] for name in names or sorted(found)]


def _print(told: list[dict[str, Any]], *, quiet: bool) -> None:
    for one in told:
        what = "is tried again" if one["retried"] else "waits on"
        if one["retried"] or not quiet:
            print_lines([f"Build {one['build_id']}, {one['title']}, {what}: {one['finding']}"])
    if not quiet:
        retried = sum(one["retried"] for one in told)
        print_lines([f"Builds looked into: {len(told)}; tried again: {retried}."])


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "retry-depwait")
