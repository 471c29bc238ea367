"""The verbs of what goes out by itself: what waits, and whether the settings work.

Layer 5. Tests: tests/functional/admin/test_notifying.py.
"""

from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.flow.threads import Workers
from buildfarm.notifying.errors import DeliveryFailed
from buildfarm.notifying.receivers import receivers
from buildfarm.notifying.senders import Senders
from buildfarm.storage import mailaddresses, outbox
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.news import Delivery, DeliveryState

#: Deliveries that one listing may hold.
_MAX_LISTED = 1000


async def list_deliveries(
    farm: Farm, caller: Caller, *, every: bool = False, limit: int = 100
) -> list[dict[str, Any]]:
    """What waits to be told, newest first; with `every`, what was told and given up, too."""
    if not 0 < limit <= _MAX_LISTED:
        raise Refused(f"The limit {limit} is not between 1 and {_MAX_LISTED}.")
    found = await farm.transactor.read(outbox.deliveries, every, limit)
    return [_listed(one) for one in found]


async def test(farm: Farm, caller: Caller, *, receiver: str | None = None) -> list[dict[str, Any]]:
    """Send a test now, to one receiver or to all that the settings name; how each has ended."""
    names = [one.name for one in receivers(farm.settings)]
    if receiver is not None and receiver not in names:
        known = ", ".join(names) or "none"
        raise Refused(f"The configuration names no receiver {receiver!r} (known: {known}).")
    if not names:
        raise Refused("The configuration names nobody to be told: see [mail] and [[webhooks]].")
    workers = Workers(farm.reactor, 1, 1, "mail test")
    senders = Senders(
        farm.reactor, farm.settings, mail=workers, files=farm.workers, utc_now=farm.utc_now
    )
    try:
        return [await _try(farm, senders, name) for name in names if receiver in (None, name)]
    finally:
        await workers.stop(1.0)


async def mail(
    farm: Farm, caller: Caller, *, name: str, address: str | None = None, none: bool = False
) -> str | None:
    """Where a person gets mail; set to `address`, or with `none` to nowhere, before that."""
    if address is None and not none:
        return await farm.transactor.read(mailaddresses.mail_address, name)
    return await farm.transactor.write(
        mailaddresses.set_mail_address, name, address, caller.actor, farm.utc_now()
    )


async def _try(farm: Farm, senders: Senders, receiver: str) -> dict[str, Any]:
    now = farm.utc_now()
    key = f"test-{now:%Y%m%dT%H%M%S%f}"
    one = Delivery(0, key, receiver, DeliveryState.WAITING, now, now, 1, None, None, 0)
    try:
        await senders.send(one)
    except DeliveryFailed as error:
        return {"receiver": receiver, "taken": False, "error": str(error)}
    return {"receiver": receiver, "taken": True, "error": None}


def _listed(one: Delivery) -> dict[str, Any]:
    told: dict[str, Any] = plain(one)
    del told["notices"]
    return told
