"""Processors, under Launchpad's names: what builders build for.

Layer 5. Tests: tests/functional/webservice/test_builders.py.
"""

from buildfarm.storage import roster
from buildfarm.storage.listings import listed_builder
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Field,
    Operation,
    Page,
    Parameter,
)

#: Where processors are: lists of them are links, as on Launchpad, or names.
_PLACE = "/+processors/"


def path(name: str) -> str:
    """Where a processor is."""
    return f"+processors/{name}"


def names(links: list[str]) -> tuple[str, ...]:
    """The names of processors that are given as links, or as names."""
    return tuple(link.rpartition(_PLACE)[2] for link in links)


async def every(context: Context, wanted: Batch) -> Page:
    """Every processor that a builder has."""
    builders = await context.read(roster.builders)
    known = sorted({name for one in builders for name in one.processors})
    return Page.of(known, wanted)


async def of_builder(context: Context, name: str, wanted: Batch) -> Page | None:
    """The processors of one builder."""
    found = await context.read(listed_builder, name, context.seen)
    if found is None:
        return None
    known = found.builder.processors
    return Page.of(known, wanted)


async def find(context: Context, name: str) -> str | None:
    """A processor by its name."""
    known = await every(context, Batch(0, 1000))
    return name if name in known.subjects else None


async def _processor_by_name(context: Context, _subject: None, name: str) -> str:
    found = await find(context, name)
    if found is None:
        raise Refused(f"No builder has the processor {name!r}.")
    return found


PROCESSOR = EntryType(
    "processor",
    "What a builder can build for.",
    path,
    (
        Field("name", lambda name: name, "Its name, such as amd64."),
        Field("title", lambda name: name, "The same."),
    ),
)

PROCESSORS = CollectionType(
    "processors",
    "The processors of the farm.",
    "processor",
    (
        Operation(
            "getByName",
            _processor_by_name,
            "The processor of this name.",
            (Parameter("name", "Its name."),),
            Answer.ENTRY,
            "processor",
        ),
    ),
    "+processors",
)
