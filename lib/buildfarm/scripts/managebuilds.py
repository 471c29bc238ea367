"""`manage-builds`: look at builds, steer them, ask why.

Layer 7. Tests: tests/functional/scripts/test_manage_builds.py.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import click

from buildfarm.console.options import as_json
from buildfarm.console.outcome import run_to_exit
from buildfarm.console.tables import print_fields, print_json, print_lines, print_table
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmGroup, with_farm
from buildfarm.scripts.entries import ATTEMPT_FIELDS, BUILD_FIELDS, every, fields_of
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState
from buildfarm.vocab.statewords import attempt_words
from buildfarm.vocab.text import shown
from buildfarm.webservice.words import BUILD_STATES

_STATE = click.Choice([state.value for state in BuildState], case_sensitive=False)

_build_id = click.argument("build_id", metavar="ID", type=click.IntRange(min=1))
_build_ids = click.argument(
    "build_ids", metavar="ID...", type=click.IntRange(min=1), nargs=-1, required=True
)


@click.group("manage-builds", cls=FarmGroup, context_settings=CONTEXT, epilog=ENDING)
@with_farm
def cli(farm: Farm) -> None:
    """Look at the builds of a farm, steer them, ask why they wait.

    \b
    Examples:
      manage-builds list --state FAILEDTOBUILD --archive main
      manage-builds log 17 --follow
      manage-builds retry 17 18
      manage-builds rescore 19 --score 1000
      manage-builds why 19
    """


@cli.command("list")
@click.option("--state", "states", multiple=True, metavar="STATE", type=_STATE, help="Repeatable.")
@click.option("--archive", help="For the archive of this name.")
@click.option("--suite", help="For this suite.")
@click.option("--source", help="Of this source package.")
@click.option("--arch", help="For this architecture.")
@click.option("--builder", help="Last given to this builder.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@as_json
@click.pass_obj
def list_builds(
    farm: Farm,
    /,
    states: tuple[str, ...],
    archive: str | None,
    suite: str | None,
    source: str | None,
    arch: str | None,
    builder: str | None,
    limit: int,
    json_wanted: bool,
) -> None:
    """List builds, the latest first."""
    asked = {"archive": archive, "suite": suite, "source_name": source}
    given = {name: value for name, value in asked.items() if value is not None}

    def fits(build: Any) -> bool:
        return arch in (None, build.arch_tag) and builder in (None, build.builder_name)

    found = [fields_of(one, BUILD_FIELDS) for one in _builds(farm, states, given, fits, limit)]
    if json_wanted:
        print_json(found)
        return
    columns = ("ID", "SOURCE", "VERSION", "ARCH", "ARCHIVE", "STATE", "BUILDER", "NOTE")
    names = ("id", "source_package_name", "source_package_version", "arch_tag")
    rows = (
        (
            *(one[name] for name in names),
            f"{one['archive_name']}/{one['suite']}",
            one["buildstate"],
            one["builder_name"],
            one["failnotes"],
        )
        for one in found
    )
    print_table(columns, rows)


def _builds(
    farm: Farm,
    states: tuple[str, ...],
    given: dict[str, str],
    fits: Callable[[Any], bool],
    limit: int,
) -> list[Any]:
    records = farm.service.builds.getBuildRecords
    if not states:
        return list(islice(filter(fits, every(records(**given))), limit))
    found: list[Any] = []
    for state in dict.fromkeys(states):
        of_state: Iterator[Any] = filter(
            fits, every(records(build_state=BUILD_STATES[BuildState(state)], **given))
        )
        found += islice(of_state, limit)
    return sorted(found, key=lambda build: build.id, reverse=True)[:limit]


@cli.command()
@_build_id
@as_json
@click.pass_obj
def show(farm: Farm, build_id: int, json_wanted: bool) -> None:
    """Show the build ID with its attempts."""
    from buildfarm.scripts.following import named

    build = named(farm, build_id)
    found = fields_of(build, BUILD_FIELDS)
    attempts = [fields_of(one, ATTEMPT_FIELDS) for one in build.attempts]
    if json_wanted:
        print_json({**found, "attempts": attempts})
        return
    print_fields(found)
    for one in attempts:
        outcome = AttemptOutcome(one["outcome"]) if one["outcome"] else None
        words = attempt_words(AttemptState(one["state"]), outcome, one["reason"])
        print_lines([f"Attempt {one['number']} on {one['builder_name']}: {words}"])


@cli.command()
@_build_id
@click.option("--follow", is_flag=True, help="Stay until the build has ended; exit by its result.")
@click.pass_obj
def log(farm: Farm, build_id: int, follow: bool) -> int:
    """Print the log of the build ID, live while it builds."""
    from buildfarm.scripts.following import BuildLog, Shower, named

    if follow:
        return follow_to_end(farm, build_id, write)
    named(farm, build_id)
    shower = Shower(colour=sys.stdout.isatty())
    for piece in BuildLog(farm, build_id).pieces():
        write(shower.shown(piece))
    write(shower.shown(b"", final=True))
    return 0


def follow_to_end(
    farm: Farm, build_id: int, show: Callable[[str], None], until: float | None = None
) -> int:
    """Follow a build, its states told on standard error; the exit status: 0 if it was built."""
    from buildfarm.scripts.following import BUILT, follow

    build = follow(
        farm, build_id, show=show, tell=_tell_aside, colour=sys.stdout.isatty(), until=until
    )
    return 0 if build.buildstate == BUILT else 1


def _tell_aside(sentence: str) -> None:
    click.echo(shown(sentence), err=True)


def write(text: str) -> None:
    """Show part of a log at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


@cli.command()
@_build_ids
@as_json
@click.pass_obj
def cancel(farm: Farm, build_ids: tuple[int, ...], json_wanted: bool) -> int:
    """Cancel builds, whether they wait or run."""
    return _steer(farm, build_ids, lambda build: build.cancel(), json_wanted)


@cli.command()
@_build_ids
@as_json
@click.pass_obj
def retry(farm: Farm, build_ids: tuple[int, ...], json_wanted: bool) -> int:
    """Try builds again that have ended badly."""
    return _steer(farm, build_ids, lambda build: build.retry(), json_wanted)


@cli.command()
@_build_ids
@click.option("--score", type=int, required=True, help="A higher one goes first.")
@as_json
@click.pass_obj
def rescore(farm: Farm, build_ids: tuple[int, ...], score: int, json_wanted: bool) -> int:
    """Give waiting builds another score."""
    return _steer(farm, build_ids, lambda build: build.rescore(score=score), json_wanted)


def _steer(
    farm: Farm, build_ids: tuple[int, ...], act: Callable[[Any], Any], json_wanted: bool
) -> int:
    """Do `act` to each build and tell of it; one that is refused does not keep the others."""
    from buildfarm.scripts.following import named

    done, status = [], 0
    for build_id in build_ids:
        try:
            build = named(farm, build_id)
            act(build)
        except Exception as error:
            sentence = str(error) if isinstance(error, Refused) else farm.refusal(error)
            if sentence is None:
                raise
            _tell_aside(f"{build_id}: {sentence}")
            status = 1
            continue
        done.append(fields_of(build, BUILD_FIELDS))
    if json_wanted:
        print_json(done)
    else:
        print_lines(f"Build {one['id']}, {one['title']}: {one['buildstate']}" for one in done)
    return status


@cli.command()
@_build_id
@as_json
@click.pass_obj
def why(farm: Farm, build_id: int, json_wanted: bool) -> None:
    """Say why the build ID waits, or what became of it."""
    from buildfarm.scripts.following import named

    build = named(farm, build_id)
    found = build.why()
    if json_wanted:
        print_json(found)
        return
    print_lines([f"Build {build_id}, {build.title}: {build.buildstate}", *found["summary"]])
    _print_part("Builders:", [one["sentence"] for one in found["builders"]])
    if found["remedy"]:
        print_lines(["", found["remedy"]])
    _print_part("What happened:", found["story"])


def _print_part(heading: str, lines: list[str]) -> None:
    if lines:
        print_lines(["", heading, *(f"  {line}" for line in lines)])


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "manage-builds")
