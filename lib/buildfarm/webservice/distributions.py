"""Distributions and their series: what archives say that they are of, and what their suites name.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from dataclasses import dataclass

from buildfarm.storage import archives
from buildfarm.vocab.archive import ArchiveSnapshot, split_suite
from buildfarm.webservice.context import Context

#: Names that the main archive of a distribution may have, the likeliest first.
_MAIN = ("primary", "main")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution with those of its archives that the visitor may see, the main one first."""

    name: str
    archives: tuple[ArchiveSnapshot, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """Its series, in the order in which its archives name them."""
        suites = (suite for archive in self.archives for suite in archive.suites)
        return tuple(dict.fromkeys(split_suite(suite)[0] for suite in suites))


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a distribution."""

    distribution: str
    name: str


async def fetch_distributions(context: Context) -> dict[str, Distribution]:
    """Every distribution of which the visitor may see an archive, by name."""
    found: dict[str, list[ArchiveSnapshot]] = {}
    for archive in await context.read(archives.archives):
        if context.sees(archive):
            found.setdefault(archive.distribution, []).append(archive)

    def place(archive: ArchiveSnapshot) -> int:
        return _MAIN.index(archive.name) if archive.name in _MAIN else len(_MAIN)

    return {
        name: Distribution(name, tuple(sorted(some, key=place))) for name, some in found.items()
    }


async def fetch_distribution(context: Context, name: str) -> Distribution | None:
    """The distribution of this name."""
    return (await fetch_distributions(context)).get(name)
