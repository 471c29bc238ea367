"""`submit-source`: a source package on its way to a farm, and what becomes of it.

Layer 7. Tests: tests/functional/scripts/test_submit_source.py.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from buildfarm.console.options import as_json
from buildfarm.console.outcome import run_to_exit
from buildfarm.console.tables import print_json, print_lines
from buildfarm.scripts.ages import age
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmCommand, with_farm
from buildfarm.scripts.entries import BUILD_FIELDS, fields_of
from buildfarm.scripts.managebuilds import follow_to_end, write
from buildfarm.vocab.errors import FarmUnreachable, Refused


@click.command("submit-source", cls=FarmCommand, context_settings=CONTEXT, epilog=ENDING)
@click.argument("path", metavar="FILE.dsc|DIRECTORY", type=click.Path(path_type=Path, exists=True))
@click.option("--archive", required=True, help="The archive, by its name.")
@click.option("--suite", required=True, help="Which of its suites.")
@click.option("--arch", "architectures", multiple=True, help="Only these; repeat for more.")
@click.option("--score", type=int, help="A higher one goes first; for moderators.")
@click.option(
    "--wait", is_flag=True, help="Follow the builds' logs to the end; exit by the result."
)
@click.option("--give-up-after", type=age, help="Wait no longer than this, such as 2h.")
@as_json
@with_farm
def cli(
    farm: Farm,
    path: Path,
    *,
    archive: str,
    suite: str,
    architectures: tuple[str, ...],
    score: int | None,
    wait: bool,
    give_up_after: timedelta | None,
    json_wanted: bool,
) -> int:
    """Send a source package to a farm to be built.

    A directory is a source tree with debian/, which is packed first with dpkg-source, or holds
    one .dsc. The files that a .dsc names lie beside it.

    \b
    Examples:
      submit-source hello_2.10-3.dsc --archive main --suite bookworm
      submit-source . --archive main --suite bookworm --wait
      submit-source hello_2.10-3.dsc --archive main --suite bookworm --arch arm64 --json
    """
    # python-debian takes a while to import.
    from buildfarm.scripts.packages import source_files

    target = archive_path(farm, archive)
    fields = {"ws.op": "submitSource", "suite": suite}
    if architectures:
        fields["architectures"] = json.dumps(architectures)
    if score is not None:
        fields["score"] = str(score)
    with source_files(path) as files:
        build_ids = [build["id"] for build in send(farm, target, fields, files)]
    if not (wait and json_wanted):
        _tell(farm, build_ids, json_wanted)
    if not wait:
        return 0
    until = None if give_up_after is None else time.monotonic() + give_up_after.total_seconds()
    return _follow(farm, build_ids, until, json_wanted)


def archive_path(farm: Farm, name: str) -> str:
    """Where the archive of this name is. Raises Refused where there is none that one may see."""
    for distribution in farm.service.distributions:
        for archive in distribution.archives:
            if archive.name == name:
                return str(urlsplit(archive.self_link).path)
    raise Refused(f"There is no archive {name}, or none that you may see.")


def send(farm: Farm, target: str, fields: dict[str, str], files: Sequence[Path]) -> Any:
    """Send the `.dsc`, the first of `files`, and the others; the new builds as the farm says them.

    Raises Refused with what the farm says, FarmUnreachable.
    """
    from buildfarm.scripts.forms import FileForm, total_size
    from buildfarm.scripts.streams import answer_of, asked

    dsc, *others = files
    parts = {"dsc": dsc, **{f"file{number}": path for number, path in enumerate(others, 1)}}
    form = FileForm(fields, parts)
    with (
        _progress(dsc.name, total_size(files)) as sent,
        asked(farm, "POST", target, form.headers, form.pieces(sent)) as response,
    ):
        content = answer_of(farm, response)
    try:
        return json.loads(content)
    except ValueError as error:
        raise FarmUnreachable(f"The farm at {farm.url} has answered with no JSON.") from error


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal; it is told of bytes that have gone."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn
    from rich.table import Column
    from rich.text import Text

    columns = (BarColumn(table_column=Column(ratio=1)), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True, highlight=False)
    console.print(Text(f"Sending {name}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def _tell(farm: Farm, build_ids: Sequence[int], json_wanted: bool) -> None:
    found = [_fields(farm, build_id) for build_id in build_ids]
    if json_wanted:
        print_json(found)
    else:
        print_lines(f"Build {one['id']}: {one['title']}" for one in found)


def _fields(farm: Farm, build_id: int) -> dict[str, Any]:
    from buildfarm.scripts.following import named

    return fields_of(named(farm, build_id), BUILD_FIELDS)


def _follow(farm: Farm, build_ids: Sequence[int], until: float | None, json_wanted: bool) -> int:
    """Follow each build to its end, one after the other; 0 where all of them were built."""
    show: Callable[[str], None] = (lambda text: None) if json_wanted else write
    status = 0
    for build_id in build_ids:
        status |= follow_to_end(farm, build_id, show, until)
    if json_wanted:
        _tell(farm, build_ids, json_wanted)
    return status


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "submit-source")
