"""Figures: what was measured, for us and for a peer, and whether the target was reached."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    `ratio` is ours divided by the peer's, None where only an absolute target was set. `target` is
    the bound in words; `reached` says whether it was kept.
    """

    name: str
    unit: str
    ours: float
    peer: float | None
    ratio: float | None
    target: str
    reached: bool


def at_most(name: str, unit: str, ours: float, peer: float, bound: float) -> Figure:
    """A figure that should be at most `bound` times the peer's."""
    ratio = ours / peer
    return Figure(name, unit, ours, peer, ratio, f"ratio ≤ {bound:g}", ratio <= bound)


def at_least(name: str, unit: str, ours: float, peer: float, bound: float) -> Figure:
    """A figure that should be at least `bound` times the peer's."""
    ratio = ours / peer
    return Figure(name, unit, ours, peer, ratio, f"ratio ≥ {bound:g}", ratio >= bound)


def under(name: str, unit: str, ours: float, peer: float | None, bound: float) -> Figure:
    """A figure with an absolute bound, shown beside the peer's."""
    ratio = ours / peer if peer else None
    return Figure(name, unit, ours, peer, ratio, f"< {bound:g} {unit}", ours < bound)


def told(name: str, unit: str, ours: float, peer: float | None) -> Figure:
    """A figure without a target, for the reader."""
    return Figure(name, unit, ours, peer, ours / peer if peer else None, "", True)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Keep the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the table."""
    table = Table("figure", "unit", title="Benchmarks")
    for heading in ("ours", "peer", "ratio", "target", "reached"):
        table.add_column(heading, justify="right")
    for figure in figures:
        table.add_row(
            figure.name,
            figure.unit,
            _number(figure.ours),
            _number(figure.peer),
            _number(figure.ratio),
            figure.target,
            "" if not figure.target else "yes" if figure.reached else "NO",
        )
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 … 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
