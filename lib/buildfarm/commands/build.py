"""`buildd-manager build …`.

Layer 7. Tests: tests/unit/commands/test_commands.py, tests/functional/commands.
"""

import sys
from collections.abc import Callable
from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_fields, print_json, print_lines, print_table
from buildfarm.vocab.states import BuildState
from buildfarm.vocab.text import shown

_STATE = click.Choice([state.value for state in BuildState], case_sensitive=False)

_build_id = click.argument("build_id", metavar="ID", type=int)


@click.group()
def build() -> None:
    """Builds: look at them, steer them, ask why."""


@build.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="STATE",
    type=_STATE,
    help="Such as NEEDSBUILD; repeat for more.",
)
@click.option("--archive")
@click.option("--source")
@click.option("--limit", default=100, show_default=True)
@as_json
@pass_manager
def list_builds(
    manager: Manager,
    states: tuple[str, ...],
    archive: str | None,
    source: str | None,
    limit: int,
    json_wanted: bool,
) -> None:
    """List builds, the latest first."""
    params = {
        "states": states or None,
        "archive": archive,
        "source": source,
        "limit": limit,
    }
    found = manager.ask("build.list", params)
    if json_wanted:
        print_json(found)
        return
    columns = ("ID", "SOURCE", "VERSION", "ARCH", "ARCHIVE", "STATE", "BUILDER", "REASON")
    print_table(
        columns,
        (
            (
                one["id"],
                one["source"],
                one["version"],
                one["architecture"],
                f"{one['archive']}/{one['suite']}",
                one["state"],
                one["builder"],
                one["reason"],
            )
            for one in found
        ),
    )


@build.command()
@_build_id
@as_json
@pass_manager
def show(manager: Manager, build_id: int, json_wanted: bool) -> None:
    """Show the build ID with its attempts."""
    found = manager.ask("build.show", {"build_id": build_id})
    if json_wanted:
        print_json(found)
        return
    attempts, entry = found.pop("attempts"), found.pop("queue")
    del found["events"], found["checks"]
    if (looked := found.pop("dep_wait")) is not None:
        found["last_looked_for"] = f"{looked['checked']}: {looked['finding']}"
    if entry is not None:
        found.update(score=entry["score"], estimated_duration=entry["estimated_duration"])
    print_fields(found)
    for one in attempts:
        ended = f": {one['outcome']}, {one['reason']}" if one["outcome"] else ""
        print_lines([f"Attempt {one['number']} on {one['builder_name']} {one['state']}{ended}"])


@build.command()
@_build_id
@click.option("--follow", is_flag=True, help="Stay until the build has ended.")
@pass_manager
def log(manager: Manager, build_id: int, follow: bool) -> None:
    """Print the log of the build ID, live while it builds."""
    colour = sys.stdout.isatty()

    def on_part(part: str) -> None:
        sys.stdout.write(shown(part, colour=colour))
        sys.stdout.flush()

    manager.ask("build.log", {"build_id": build_id, "follow": follow}, on_part=on_part)


@build.command()
@_build_id
@as_json
@pass_manager
def cancel(manager: Manager, build_id: int, json_wanted: bool) -> None:
    """Cancel the build ID, whether it waits or runs."""
    _tell(manager.ask("build.cancel", {"build_id": build_id}), json_wanted)


@build.command()
@_build_id
@click.option("--rebuild", is_flag=True, help="Build again even where results were kept.")
@as_json
@pass_manager
def retry(manager: Manager, build_id: int, rebuild: bool, json_wanted: bool) -> None:
    """Try the build ID again, which has ended badly.

    After FAILEDTOUPLOAD the results that were kept are uploaded again, unless --rebuild is given.
    """
    params = {"build_id": build_id, "rebuild": rebuild}
    _tell(manager.ask("build.retry", params), json_wanted)


@build.command()
@_build_id
@click.argument("score", type=int)
@as_json
@pass_manager
def rescore(manager: Manager, build_id: int, score: int, json_wanted: bool) -> None:
    """Give the waiting build ID another SCORE; a higher one goes first."""
    found = manager.ask("build.rescore", {"build_id": build_id, "score": score})
    if json_wanted:
        print_json(found)
    else:
        print_lines([f"Build {build_id} waits with score {score}."])


@build.command()
@_build_id
@as_json
@pass_manager
def why(manager: Manager, build_id: int, json_wanted: bool) -> None:
    """Say why the build ID waits, or what became of it."""
    found = manager.ask("build.why", {"build_id": build_id})
    if json_wanted:
        print_json(found)
        return
    print_lines([f"Build {build_id}, {found['title']}: {found['state']}", *found["summary"]])
    _print_part("Builders:", found["builders"], lambda one: one["sentence"])
    if found["remedy"]:
        print_lines(["", found["remedy"]])
    _print_part("What happened:", found["story"], str)


def _print_part(heading: str, items: list[Any], line: Callable[[Any], str]) -> None:
    if items:
        print_lines(["", heading, *(f"  {line(item)}" for item in items)])


def _tell(found: dict[str, Any], json_wanted: bool) -> None:
    if json_wanted:
        print_json(found)
    else:
        print_lines([f"Build {found['id']} is {found['state']}."])
