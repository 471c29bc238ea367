"""`buildd-manager doctor URL`: whether a builder is fit for the farm.

Layer 7. Tests: tests/functional/commands/test_doctor.py.
"""

from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import as_json, pass_manager
from buildfarm.console.tables import print_json, print_lines, print_table


@click.command()
@click.argument("url")
@click.option(
    "--listen",
    metavar="ADDRESS[:PORT]",
    help="Where the builder fetches a small file from us, and how it reaches us; "
    "by default our own address towards it. Use an address that it can reach.",
)
@click.option("--timeout", default=10.0, show_default=True, help="Seconds for each call.")
@as_json
@pass_manager
def doctor(
    manager: Manager, url: str, listen: str | None, timeout: float, json_wanted: bool
) -> int:
    """Examine the builder at URL, whether it is one of the farm or not.

    Only what disturbs nothing is tried; a builder that is building is asked, and not made to fetch
    a file. Exit status 1 where a check fails.

    \b
    Examples:
      buildd-manager doctor http://bob:8221/
      buildd-manager doctor http://bob:8221/ --listen 192.0.2.7
    """
    # Twisted is needed only now.
    from buildfarm.commands.examining import examine
    from buildfarm.commands.reactor import run_in_reactor

    found: dict[str, Any] = run_in_reactor(
        lambda reactor: examine(reactor, url, listen=listen, call_timeout=timeout)
    )
    if json_wanted:
        print_json(found)
    else:
        columns = ("CHECK", "GRADE", "FOUND")
        print_table(
            columns,
            ([one[c.lower()] for c in ("check", "grade", "sentence")] for one in found["findings"]),
        )
        print_lines(["", f"{url} is {_VERDICTS[found['grade']]}."])
    return 1 if found["grade"] == "fail" else 0


_VERDICTS = {
    "ok": "fit for the farm",
    "warn": "fit for the farm, with a warning",
    "fail": "not fit for the farm",
}
