"""The verbs of builders: add, change, list, show, remove.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from typing import Any

from typing_extensions import TypedDict

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.builders.address import BuilderAddress
from buildfarm.storage import events, orders, roster
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.states import CleanStatus, ResetProtocol

#: Events that `show` tells.
_SHOWN = 20


class BuilderChanges(TypedDict, total=False):
    """What may be changed of a builder; only what is named is. See `BuilderSnapshot`."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[misc]  # noqa: RUF012

    url: str
    title: str
    processors: tuple[str, ...]
    virtualized: bool
    vm_host: str | None
    vm_reset_protocol: ResetProtocol | None
    open_resources: tuple[str, ...]
    restricted_resources: tuple[str, ...]
    builderok: bool
    failnotes: str | None
    manual: bool
    clean_status: CleanStatus


async def add(
    farm: Farm,
    caller: Caller,
    *,
    name: str,
    url: str,
    processors: tuple[str, ...],
    title: str = "",
    virtualized: bool = False,
    vm_host: str | None = None,
    vm_reset_protocol: ResetProtocol | None = None,
    open_resources: tuple[str, ...] = (),
    restricted_resources: tuple[str, ...] = (),
    manual: bool = False,
) -> BuilderSnapshot:
    """Add a builder; it is scanned at once."""
    new = NewBuilder(
        name=name,
        url=BuilderAddress.parse(url).url,
        processors=processors,
        title=title or name,
        virtualized=virtualized,
        vm_host=vm_host,
        vm_reset_protocol=vm_reset_protocol,
        open_resources=open_resources,
        restricted_resources=restricted_resources,
        manual=manual,
    )
    return await farm.transactor.write(roster.add_builder, new, caller.actor, farm.utc_now())


async def change(
    farm: Farm, caller: Caller, *, name: str, changes: BuilderChanges
) -> BuilderSnapshot:
    """Change fields of a builder, by the names of DESIGN section 2."""
    if "url" in changes:
        changes = {**changes, "url": BuilderAddress.parse(changes["url"]).url}
    now = farm.utc_now()
    return await farm.transactor.write(roster.change_builder, name, changes, caller.actor, now)


async def remove(farm: Farm, caller: Caller, *, name: str, force: bool = False) -> BuilderSnapshot:
    """Take a builder out of the farm; its history stays."""
    now = farm.utc_now()
    return await farm.transactor.write(roster.remove_builder, name, force, caller.actor, now)


async def list_builders(
    farm: Farm, caller: Caller, *, include_inactive: bool = False
) -> list[dict[str, Any]]:
    """Every builder with the id of the build that it holds."""

    def listed(store: Any) -> list[dict[str, Any]]:
        held = orders.open_orders(store)
        return [
            {**plain(one), "build": held[one.id].attempt.build_id if one.id in held else None}
            for one in roster.builders(store, include_inactive)
        ]

    return await farm.transactor.read(listed)


async def show(farm: Farm, caller: Caller, *, name: str) -> dict[str, Any]:
    """One builder, what it holds, what its last reset printed, and its latest events."""

    def shown(store: Any) -> dict[str, Any]:
        builder = roster.builder_named(store, name)
        order = orders.order_of_builder(store, builder.id)
        return {
            **plain(builder),
            "build": None if order is None else order.attempt.build_id,
            "build_title": None if order is None else order.title,
            "events": plain(events.events_of_builder(store, builder.id, _SHOWN)),
        }

    return await farm.transactor.read(shown)
