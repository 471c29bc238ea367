"""The verbs of builders: add, change, list, show, remove.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.storage import events, orders, roster
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.states import ResetProtocol

#: Events that `show` tells.
_SHOWN = 20


async def add(
    farm: Farm,
    caller: Caller,
    *,
    name: str,
    url: str,
    processors: list[str],
    title: str = "",
    virtualized: bool = False,
    vm_host: str | None = None,
    vm_reset_protocol: str | None = None,
    open_resources: list[str] | None = None,
    restricted_resources: list[str] | None = None,
    manual: bool = False,
) -> BuilderSnapshot:
    """Add a builder; it is scanned at once."""
    new = NewBuilder(
        name=name,
        url=url,
        processors=tuple(processors),
        title=title or name,
        virtualized=virtualized,
        vm_host=vm_host,
        vm_reset_protocol=ResetProtocol(vm_reset_protocol) if vm_reset_protocol else None,
        open_resources=tuple(open_resources or ()),
        restricted_resources=tuple(restricted_resources or ()),
        manual=manual,
    )
    return await farm.transactor.write(roster.add_builder, new, caller.actor, farm.utc_now())


async def change(
    farm: Farm, caller: Caller, *, name: str, changes: dict[str, Any]
) -> BuilderSnapshot:
    """Change fields of a builder, by the names of DESIGN section 2."""
    now = farm.utc_now()
    return await farm.transactor.write(roster.change_builder, name, changes, caller.actor, now)


async def remove(farm: Farm, caller: Caller, *, name: str, force: bool = False) -> BuilderSnapshot:
    """Take a builder out of the farm; its history stays."""
    now = farm.utc_now()
    return await farm.transactor.write(roster.remove_builder, name, force, caller.actor, now)


async def list_builders(
    farm: Farm, caller: Caller, *, all_builders: bool = False
) -> list[dict[str, Any]]:
    """Every builder with the build that it holds."""
    found = await farm.transactor.read(roster.builders, all_builders)
    held = await farm.transactor.read(orders.open_orders)
    listed = []
    for builder in found:
        order = held.get(builder.id)
        building = None if order is None else order.attempt.build_id
        listed.append({**plain(builder), "build": building})
    return listed


async def show(farm: Farm, caller: Caller, *, name: str) -> dict[str, Any]:
    """One builder, what it holds, what its last reset printed, and its latest events."""
    builder = await farm.transactor.read(roster.builder_named, name)
    order = await farm.transactor.read(orders.order_of_builder, builder.id)
    told = await farm.transactor.read(events.events_of_builder, builder.id, _SHOWN)
    return {
        **plain(builder),
        "build": None if order is None else order.attempt.build_id,
        "build_title": None if order is None else order.title,
        "events": plain(told),
    }
