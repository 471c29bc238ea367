"""`export-history`: what ended on a farm in a span of time, as CSV.

Rows are written as they come, a part of the farm's answer at a time. With `--state` a run goes on
from where the last one ended. Layer 7. Tests: tests/functional/scripts/test_export_history.py.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import click

from buildfarm.console.outcome import run_to_exit
from buildfarm.scripts.connecting import CONTEXT, ENDING, Farm, FarmCommand, with_farm
from buildfarm.scripts.entries import ATTEMPT_FIELDS, BUILD_FIELDS, PART, fields_of
from buildfarm.scripts.sheets import row
from buildfarm.vocab.errors import Refused

#: What ended this recently may not be told of by the farm yet.
_SETTLED = timedelta(minutes=1)

_WHATS = {
    "builds": ("getEndedBuilds", BUILD_FIELDS),
    "attempts": ("getEndedAttempts", ATTEMPT_FIELDS),
}


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no date; say 2026-01-31 or 2026-01-31T12:00."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.command("export-history", cls=FarmCommand, context_settings=CONTEXT, epilog=ENDING)
@click.argument("what", type=click.Choice(list(_WHATS)))
@click.option("--since", type=_moment, metavar="DATE", help="From then on; UTC unless it says.")
@click.option("--until", type=_moment, metavar="DATE", help="Before then; else until a minute ago.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Into FILE, which is there once all of it is; else to standard output.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Go on from where the last run with FILE ended; the next one will from here.",
)
@click.option("--json", "json_wanted", is_flag=True, help="JSON instead, an object a line.")
@with_farm
def cli(
    farm: Farm,
    what: str,
    since: datetime | None,
    until: datetime | None,
    output: Path | None,
    state: Path | None,
    json_wanted: bool,
) -> None:
    """Export the builds, or the attempts, that ended in a span of time, as CSV.

    The beginning belongs to the span and its end does not, so that spans join without gaps. Texts
    that a spreadsheet would take for formulas are preceded by an apostrophe.

    \b
    Examples:
      export-history builds --since 2026-01-01 --until 2026-02-01 --output january.csv
      export-history attempts --state /var/lib/farm/exported --output "$(date +%F).csv"
      export-history attempts --since 2026-01-01 --json | jq .outcome
    """
    if state is not None and since is not None:
        raise click.UsageError("--state says where to go on: leave --since out.")
    begin = _remembered(state) if state is not None else since
    end = until or datetime.now(UTC) - _SETTLED
    if begin is not None and begin > end:
        raise Refused(f"Nothing can have ended from {begin.isoformat()} to {end.isoformat()}.")
    entries = _ended(farm.service.builds, what, begin, end)
    with _written(output) as file:
        for line in _json_lines(entries) if json_wanted else _csv_lines(entries, what):
            file.write(line)
    if state is not None:
        with _written(state) as file:
            file.write(f"{end.isoformat()}\n")


def _ended(
    builds: Any, what: str, since: datetime | None, until: datetime
) -> Iterator[dict[str, Any]]:
    """Every entry of the span, in the order of ids; a part of them at a time is in memory."""
    operation, names = _WHATS[what]
    ask = getattr(builds, operation)
    span = {"until": until, **({} if since is None else {"since": since})}
    after = 0
    while True:
        part = [fields_of(entry, names) for entry in ask(after=after, **span)[:PART]]
        yield from part
        if len(part) < PART:
            return
        after = part[-1]["id"]


def _csv_lines(entries: Iterator[dict[str, Any]], what: str) -> Iterator[str]:
    names = _WHATS[what][1]
    yield row(names)
    for entry in entries:
        yield row([entry[name] for name in names])


def _json_lines(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(entry) + "\n"


def _remembered(state: Path) -> datetime | None:
    try:
        text = state.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{state} cannot be read: {error}.") from error
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            f"{state} holds no date of an earlier run; remove it to begin anew."
        ) from error


@contextmanager
def _written(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that takes its name once all of it is on the disk."""
    if path is None:
        yield sys.stdout
        return
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        new.chmod(mode)
        new.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        new.unlink(missing_ok=True)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def main() -> None:
    """Run the script and exit."""
    run_to_exit(cli, None, "export-history")
