"""Series of a distribution.

Layer 5. Tests: tests/functional/webservice/test_archives.py.
"""

from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import EntryType, Field, Kind
from buildfarm.webservice.distributions import Series, fetch_distribution


async def find(context: Context, distribution: str, name: str) -> Series | None:
    """The series of this name."""
    found = await fetch_distribution(context, distribution)
    return None if found is None or name not in found.series else Series(found.name, name)


SERIES = EntryType(
    "distro_series",
    "A series of a distribution.",
    lambda one: f"{one.distribution}/{one.name}",
    (
        Field("name", lambda one: one.name, "Its name."),
        Field("version", lambda one: one.name, "The same: this farm keeps no versions."),
        Field("displayname", lambda one: one.name.title(), "Its name for reading."),
        Field("active", lambda one: True, "Always.", Kind.BOOLEAN),
        Field("distribution", lambda one: one.distribution, "Of what.", Kind.LINK, "distribution"),
    ),
)
