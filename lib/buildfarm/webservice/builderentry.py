"""Builders and processors, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_builders.py.
"""

from collections.abc import Mapping
from typing import Any

from buildfarm.builders.address import BuilderAddress
from buildfarm.storage import roster
from buildfarm.storage.listings import (
    ListedBuilder,
    builders_part,
    listed_builder,
    queue_sizes,
)
from buildfarm.verdicts.permissions import Deed
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import ResetProtocol
from buildfarm.webservice import buildentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.words import BUILD_STATES, CLEAN_STATUSES, STATUS_OF, lasting

_PROTOCOLS = tuple(protocol.value for protocol in ResetProtocol)
_STATUSES = tuple(CLEAN_STATUSES.values())

#: What lists of processors are written as: links to them, as on Launchpad, or their names.
_PROCESSORS = "/+processors/"


async def find(context: Context, name: str) -> ListedBuilder | None:
    """The builder of this name, removed or not."""
    return await context.read(listed_builder, name, context.seen)


async def every(context: Context, wanted: Batch) -> Page:
    """The builders that were not removed."""
    part = await context.read(builders_part, context.seen, wanted.start, wanted.size)
    return Page(part.items, part.total)


async def processors(context: Context, wanted: Batch) -> Page:
    """Every processor that a builder has."""
    builders = await context.read(roster.builders)
    names = sorted({name for one in builders for name in one.processors})
    return Page(names[wanted.start : wanted.start + wanted.size], len(names))


async def processors_of(context: Context, name: str, wanted: Batch) -> Page | None:
    """The processors of one builder."""
    found = await find(context, name)
    if found is None:
        return None
    names = found.builder.processors
    return Page(names[wanted.start : wanted.start + wanted.size], len(names))


async def processor(context: Context, name: str) -> str | None:
    """A processor by its name."""
    known = await processors(context, Batch(0, 1000))
    return name if name in known.subjects else None


async def _change(
    context: Context, listed: ListedBuilder, values: Mapping[str, Any]
) -> ListedBuilder | None:
    context.require(Deed.MODERATE)
    changes = dict(values)
    if "url" in changes:
        changes["url"] = BuilderAddress.parse(changes["url"]).url
    if "clean_status" in changes:
        changes["clean_status"] = STATUS_OF[changes["clean_status"]]
    if "processors" in changes:
        changes["processors"] = _names(changes["processors"])
    for resources in ("open_resources", "restricted_resources"):
        if resources in changes:
            changes[resources] = tuple(changes[resources] or ())
    name, now = listed.builder.name, context.utc_now()
    if changes.pop("active", True) is False:
        await context.write(roster.remove_builder, name, False, context.actor, now)
    if changes:
        await context.write(roster.change_builder, name, changes, context.actor, now)
    return await find(context, name)


def _names(links: list[str]) -> tuple[str, ...]:
    return tuple(link.rpartition(_PROCESSORS)[2] for link in links)


async def _set_clean_status(context: Context, listed: ListedBuilder, clean_status: str) -> None:
    await _change(context, listed, {"clean_status": clean_status})


async def _get_build_records(
    context: Context,
    listed: ListedBuilder,
    wanted: Batch,
    build_state: str | None = None,
    source_name: str | None = None,
) -> Page:
    return await buildentry.records(
        context, wanted, build_state, source_name, builder_id=listed.builder.id
    )


async def _get_by_name(context: Context, _subject: None, name: str) -> ListedBuilder | None:
    return await find(context, name)


async def _get_build_queue_sizes(context: Context, _subject: None) -> dict[str, dict[str, Any]]:
    sizes: dict[str, dict[str, Any]] = {"virt": {}, "nonvirt": {}}
    found = await context.read(queue_sizes)
    for (name, virtualized), (count, seconds) in found.items():
        sizes["virt" if virtualized else "nonvirt"][name] = [count, lasting(seconds)]
    return sizes


async def _get_builders_for_queue(
    context: Context, _subject: None, wanted: Batch, processor: str, virtualized: bool
) -> Page:
    [name] = _names([processor])
    part = await context.read(builders_part, context.seen, 0, 1_000_000)
    fitting = [
        one
        for one in part.items
        if name in one.builder.processors and one.builder.virtualized == virtualized
    ]
    return Page(fitting[wanted.start : wanted.start + wanted.size], len(fitting))


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
) -> ListedBuilder | None:
    context.require(Deed.MODERATE)
    new = NewBuilder(
        name=name,
        url=BuilderAddress.parse(url).url,
        processors=_names(processors),
        title=title or name,
        virtualized=virtualized,
        vm_host=vm_host,
        vm_reset_protocol=None if vm_reset_protocol is None else ResetProtocol(vm_reset_protocol),
    )
    await context.write(roster.add_builder, new, context.actor, context.utc_now())
    return await find(context, name)


def _current_build(one: ListedBuilder) -> str | None:
    return None if one.build is None else buildentry.path(one.build)


_FIELDS = (
    Field("name", lambda one: one.builder.name, "Its name."),
    Field("title", lambda one: one.builder.title, "What it is called.", writable=True),
    Field("url", lambda one: one.builder.url, "Where its daemon is.", writable=True),
    Field(
        "processor",
        lambda one: f"+processors/{one.builder.processors[0]}",
        "The first of its processors.",
        Kind.LINK,
        "processor",
    ),
    Field(
        "processors",
        lambda one: f"builders/{one.builder.name}/processors",
        "What it builds for.",
        Kind.COLLECTION,
        "processor",
    ),
    Field(
        "virtualized",
        lambda one: one.builder.virtualized,
        "Whether it is reset before each build.",
        Kind.BOOLEAN,
        writable=True,
    ),
    Field("vm_host", lambda one: one.builder.vm_host, "The host of its VM.", writable=True),
    Field(
        "vm_reset_protocol",
        lambda one: one.builder.vm_reset_protocol and one.builder.vm_reset_protocol.value,
        "How a reset tells its end.",
        choices=_PROTOCOLS,
        writable=True,
    ),
    Field(
        "open_resources",
        lambda one: one.builder.open_resources,
        "What it offers besides.",
        Kind.LIST,
        writable=True,
    ),
    Field(
        "restricted_resources",
        lambda one: one.builder.restricted_resources,
        "What it offers to builds that ask for all of it, and to no others.",
        Kind.LIST,
        writable=True,
    ),
    Field(
        "builderok",
        lambda one: one.builder.builderok,
        "False once it was taken out after failing.",
        Kind.BOOLEAN,
        writable=True,
    ),
    Field("failnotes", lambda one: one.builder.failnotes, "Why it is out.", writable=True),
    Field(
        "manual",
        lambda one: one.builder.manual,
        "Whether it is given nothing by itself.",
        Kind.BOOLEAN,
        writable=True,
    ),
    Field(
        "active",
        lambda one: one.builder.active,
        "False once it was removed.",
        Kind.BOOLEAN,
        writable=True,
    ),
    Field("failure_count", lambda one: one.builder.failure_count, "In a row.", Kind.INTEGER),
    Field("version", lambda one: one.builder.version, "Its daemon's version."),
    Field(
        "clean_status",
        lambda one: CLEAN_STATUSES[one.builder.clean_status],
        "Whether it may be given a build.",
        choices=_STATUSES,
        writable=True,
    ),
    Field(
        "date_clean_status_changed",
        lambda one: one.builder.date_clean_status_changed,
        "Since when.",
        Kind.TIME,
    ),
    Field("current_build", _current_build, "What it builds now.", Kind.LINK, "build"),
    Field("owner", lambda one: None, "Nobody: the farm's.", Kind.LINK, "person"),
)

BUILDER = EntryType(
    "builder",
    "A machine with a build daemon.",
    lambda one: f"builders/{one.builder.name}",
    _FIELDS,
    (
        Operation(
            "setCleanStatus",
            _set_clean_status,
            "Declare it clean or dirty: how the end of an asynchronous reset is reported.",
            (Parameter("clean_status", "The new status.", choices=_STATUSES),),
            changes=True,
            level=AccessLevel.ADMINISTER,
        ),
        Operation(
            "getBuildRecords",
            _get_build_records,
            "The builds that it was given.",
            (
                Parameter(
                    "build_state",
                    "Only those in this state.",
                    choices=tuple(BUILD_STATES.values()),
                    required=False,
                ),
                Parameter("source_name", "Only of this source package.", required=False),
            ),
            Answer.PAGE,
            "build",
        ),
    ),
    _change,
    change_level=AccessLevel.ADMINISTER,
)

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
                    choices=_PROTOCOLS,
                    required=False,
                ),
            ),
            Answer.CREATED,
            "builder",
            level=AccessLevel.ADMINISTER,
        ),
    ),
)

PROCESSOR = EntryType(
    "processor",
    "What a builder can build for.",
    lambda name: f"+processors/{name}",
    (
        Field("name", lambda name: name, "Its name, such as amd64."),
        Field("title", lambda name: name, "The same."),
    ),
)


async def _processor_by_name(context: Context, _subject: None, name: str) -> str:
    found = await processor(context, name)
    if found is None:
        raise Refused(f"No builder has the processor {name!r}.")
    return found


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
