"""Builders, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_builders.py.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from buildfarm.builders.address import BuilderAddress
from buildfarm.storage import roster
from buildfarm.storage.listings import (
    ListedBuilder,
    listed_builder,
)
from buildfarm.verdicts.permissions import Deed
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import ResetProtocol
from buildfarm.webservice import buildentry, processorentry
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    REDACTED,
    Answer,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)
from buildfarm.webservice.telling import GET_HISTORY
from buildfarm.webservice.words import CLEAN_STATUSES, STATUS_OF

#: How a reset can tell its end.
PROTOCOLS = tuple(protocol.value for protocol in ResetProtocol)
_STATUSES = tuple(CLEAN_STATUSES.values())


async def find(context: Context, name: str) -> ListedBuilder | None:
    """The builder of this name, removed or not."""
    return await context.read(listed_builder, name, context.seen)


async def _change(
    context: Context, listed: ListedBuilder, values: Mapping[str, Any]
) -> ListedBuilder | None:
    changes = dict(values)
    if "active" in changes:
        return await _put_in_or_out(context, listed.builder, changes)
    if "url" in changes:
        changes["url"] = BuilderAddress.parse(changes["url"]).url
    if "clean_status" in changes:
        changes["clean_status"] = STATUS_OF[changes["clean_status"]]
    if "processor_names" in changes:
        changes["processors"] = processorentry.names(changes.pop("processor_names"))
    for resources in ("open_resources", "restricted_resources"):
        if resources in changes:
            changes[resources] = tuple(changes[resources] or ())
    name, now = listed.builder.name, context.utc_now()
    seen = listed.builder
    await context.write(roster.change_builder, name, changes, context.actor, now, seen=seen)
    return await find(context, name)


async def _put_in_or_out(
    context: Context, builder: BuilderSnapshot, changes: Mapping[str, Any]
) -> ListedBuilder | None:
    """Remove it, or add it again as it was."""
    if len(changes) > 1:
        raise Refused("active is changed by itself, and nothing else with it.")
    now = context.utc_now()
    if changes["active"]:
        again = NewBuilder(**{one.name: getattr(builder, one.name) for one in fields(NewBuilder)})
        await context.write(roster.add_builder, again, context.actor, now)
    else:
        await context.write(roster.remove_builder, builder.name, False, context.actor, now)
    return await find(context, builder.name)


async def _set_clean_status(context: Context, listed: ListedBuilder, clean_status: str) -> None:
    await _change(context, listed, {"clean_status": clean_status})


async def _get_build_records(
    context: Context, listed: ListedBuilder, wanted: Batch, **asked: str
) -> Page:
    return await buildentry.records(context, wanted, builder_id=listed.builder.id, **asked)


def _current_build(one: ListedBuilder) -> str | None:
    if one.hides:
        return REDACTED
    return None if one.build is None else buildentry.path(one.build)


_FIELDS = (
    Field("name", lambda one: one.builder.name, "Its name."),
    Field("web_link", lambda one: f"builders/{one.builder.name}", "Its page.", Kind.WEB),
    Field("title", lambda one: one.builder.title, "What it is called.", writable=True),
    Field("url", lambda one: one.builder.url, "Where its daemon is.", writable=True),
    Field(
        "processor",
        lambda one: processorentry.path(one.builder.processors[0]),
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
        "processor_names",
        lambda one: one.builder.processors,
        "The names of its processors: of our own, since a list of builders is one request so.",
        Kind.LIST,
        writable=True,
    ),
    Field(
        "virtualized",
        lambda one: one.builder.virtualized,
        "Whether it is reset before each build.",
        Kind.BOOLEAN,
        writable=True,
    ),
    Field(
        "vm_host",
        lambda one: one.builder.vm_host,
        "The host of its VM.",
        writable=True,
        optional=True,
    ),
    Field(
        "vm_reset_protocol",
        lambda one: one.builder.vm_reset_protocol and one.builder.vm_reset_protocol.value,
        "How a reset tells its end.",
        choices=PROTOCOLS,
        writable=True,
        optional=True,
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
    Field(
        "failnotes",
        lambda one: one.builder.failnotes,
        "Why it is out.",
        writable=True,
        optional=True,
    ),
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
    Field(
        "failure_count",
        lambda one: one.builder.failure_count,
        "In a row.",
        Kind.INTEGER,
        writable=True,
        moves=True,
    ),
    Field("version", lambda one: one.builder.version, "Its daemon's version."),
    Field(
        "clean_status",
        lambda one: CLEAN_STATUSES[one.builder.clean_status],
        "Whether it may be given a build.",
        choices=_STATUSES,
        writable=True,
        moves=True,
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
            deed=Deed.MODERATE,
        ),
        Operation(
            "getBuildRecords",
            _get_build_records,
            "The builds that it was given.",
            buildentry.RECORDS,
            Answer.PAGE,
            "build",
        ),
        GET_HISTORY,
    ),
    _change,
    deed=Deed.MODERATE,
)
