"""Runs simulated farms from many seeds, and shortens what fails.

Beside the layers. `make simulate SEEDS=1000` calls this; docs/simulation.md tells more.
Tests: tests/unit/simulation.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import click
from twisted.logger import globalLogBeginner

from buildfarm.simulation.invariants import violations
from buildfarm.simulation.plan import make_plan
from buildfarm.simulation.shorten import Shortening, failure_of, log_of
from buildfarm.simulation.simulation import simulate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to: how many builds there were, and the first thing that was wrong."""

    seed: int
    builds: int
    faults: int
    violation: str | None


def outcome_of(seed: int, builds: int) -> Outcome:
    """Run the farm of one seed."""
    plan = make_plan(seed, builds)
    story = simulate(plan)
    found = violations(story)
    return Outcome(seed, len(story.builds), len(plan.faults), str(found[0]) if found else None)


def _outcomes(seeds: range, builds: int, processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from (outcome_of(seed, builds) for seed in seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        running = [pool.submit(outcome_of, seed, builds) for seed in seeds]
        for ended in as_completed(running):
            yield ended.result()


@click.command()
@click.option("--seeds", default=100, show_default=True, help="How many seeds to run.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="Run this one only, and shorten its log where it fails.")
@click.option("--builds", default=2000, show_default=True, help="Builds in one run, about.")
@click.option("--processes", default=os.cpu_count() or 1, help="Runs at once.")
def main(seeds: int, first: int, seed: int | None, builds: int, processes: int) -> None:
    """Run the whole manager on a virtual clock, in farms that follow from seeds.

    Each failing seed is printed with the statement that does not hold; the first one is then
    shortened. Exit status 1 where any failed.
    """
    # What simulated managers log sounds like real trouble.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    if seed is not None:
        sys.exit(_replay(seed, builds))
    failing = _run_all(range(first, first + seeds), builds, processes)
    if failing:
        _replay(min(failing), builds)
        click.echo(f"Failing seeds: {' '.join(map(str, sorted(failing)))}")
        sys.exit(1)


def _run_all(seeds: range, builds: int, processes: int) -> list[int]:
    failing: list[int] = []
    made = faults = 0
    for ended, outcome in enumerate(_outcomes(seeds, builds, processes), 1):
        made += outcome.builds
        faults += outcome.faults
        if outcome.violation is not None:
            failing.append(outcome.seed)
            click.echo(f"\rseed {outcome.seed}: {outcome.violation}")
        last = ended == len(seeds)
        if last or sys.stderr.isatty():
            progress = f"{ended} of {len(seeds)} seeds, {made:,} builds, {faults:,} faults"
            click.echo(f"\r{progress}, {len(failing)} failed", nl=last, err=True)
    return failing


def _replay(seed: int, builds: int) -> int:
    """Run one seed; where it fails, print a short log of a short run that fails so. The status."""
    failure = failure_of(make_plan(seed, builds))
    if failure is None:
        click.echo(f"seed {seed}: everything holds")
        return 0
    click.echo(f"seed {seed}: {failure.first}")
    click.echo("shortening", err=True)
    short = Shortening(failure, lambda line: click.echo(f"  {line}", err=True)).shortest()
    plan = short.story.plan
    click.echo(
        f"It still fails with {len(plan.uploads)} submissions, {len(plan.requests)} requests "
        f"and these faults:"
    )
    for fault in plan.faults:
        names = " ".join(plan.befallen(fault))
        click.echo(f"  {fault.time:8.1f} s  {fault.kind.words} {names} ({fault.seconds:.0f} s)")
    click.echo(f"{short.first}\n")
    for line in log_of(short):
        click.echo(line)
    return 1


if __name__ == "__main__":
    main()
