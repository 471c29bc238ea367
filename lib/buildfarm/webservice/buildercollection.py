"""The collection of builders, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_builders.py.
"""

from collections.abc import Sequence
from typing import Any

from buildfarm.builders.address import BuilderAddress
from buildfarm.storage import roster
from buildfarm.storage.listings import ListedBuilder, builders_part
from buildfarm.verdicts.permissions import Deed
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.states import ResetProtocol
from buildfarm.webservice import farmentry, processorentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.builderentry import PROTOCOLS, find
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    Created,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.overview import GET_OVERVIEW


async def every(context: Context, wanted: Batch) -> Page:
    """The builders that were not removed."""
    part = await context.read(builders_part, context.seen, wanted.start, wanted.size)
    return Page(part.items, part.total)


async def _get_by_name(context: Context, _subject: None, name: str) -> ListedBuilder | None:
    return await find(context, name)


async def _get_build_queue_sizes(context: Context, _subject: None) -> dict[str, dict[str, Any]]:
    return await farmentry.fetch_queue_sizes(context)


async def _get_builders_for_queue(
    context: Context, _subject: None, wanted: Batch, processor: str, virtualized: bool
) -> Page:
    [name] = processorentry.names([processor])
    part = await context.read(builders_part, context.seen, 0, 1_000_000)
    fitting = [
        one
        for one in part.items
        if name in one.builder.processors and one.builder.virtualized == virtualized
    ]
    return Page.of(fitting, wanted)


async def _new(
    context: Context,
    _subject: None,
    *,
    name: str,
    processors: list[str],
    url: str,
    title: str = "",
    virtualized: bool = False,
    vm_host: str | None = None,
    vm_reset_protocol: str | None = None,
    open_resources: Sequence[str] = (),
    restricted_resources: Sequence[str] = (),
    manual: bool = False,
) -> Created:
    new = NewBuilder(
        name=name,
        url=BuilderAddress.parse(url).url,
        processors=processorentry.names(processors),
        title=title or name,
        virtualized=virtualized,
        vm_host=vm_host,
        vm_reset_protocol=None if vm_reset_protocol is None else ResetProtocol(vm_reset_protocol),
        open_resources=tuple(open_resources),
        restricted_resources=tuple(restricted_resources),
        manual=manual,
    )
    await context.write(roster.add_builder, new, context.actor, context.utc_now())
    return Created(await find(context, name))


BUILDERS = CollectionType(
    "builders",
    "The builders of the farm.",
    "builder",
    (
        Operation(
            "getByName",
            _get_by_name,
            "The builder of this name.",
            (Parameter("name", "Its name."),),
            Answer.ENTRY,
            "builder",
        ),
        Operation(
            "getBuildQueueSizes",
            _get_build_queue_sizes,
            "For each kind and processor: how many builds wait, and for how long.",
        ),
        Operation(
            "getBuildersForQueue",
            _get_builders_for_queue,
            "The builders that work on one queue.",
            (
                Parameter("processor", "Of which processor.", Kind.LINK, "processor"),
                Parameter("virtualized", "Of which kind.", Kind.BOOLEAN),
            ),
            Answer.PAGE,
            "builder",
        ),
        GET_OVERVIEW,
        Operation(
            "new",
            _new,
            "Add a builder; it is scanned at once.",
            (
                Parameter("name", "Its name."),
                Parameter("processors", "What it builds for.", Kind.LIST),
                Parameter("url", "Where its daemon is."),
                Parameter("title", "What it is called.", required=False),
                Parameter("virtualized", "Whether it is a VM.", Kind.BOOLEAN, required=False),
                Parameter("vm_host", "The host of its VM.", required=False),
                Parameter(
                    "vm_reset_protocol",
                    "How a reset tells its end.",
                    choices=PROTOCOLS,
                    required=False,
                ),
                Parameter("open_resources", "What it offers besides.", Kind.LIST, required=False),
                Parameter(
                    "restricted_resources",
                    "What it offers to builds that ask for all of it.",
                    Kind.LIST,
                    required=False,
                ),
                Parameter("manual", "Given nothing by itself.", Kind.BOOLEAN, required=False),
            ),
            Answer.CREATED,
            "builder",
            deed=Deed.MODERATE,
        ),
    ),
)
