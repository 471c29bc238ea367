"""The control socket of a running manager, with its verbs.

Layer 6; used by `assembly.service`. Tests: tests/functional/assembly.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from buildfarm.admin import verbs
from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.server import ControlServer
from buildfarm.assembly.ground import Ground
from buildfarm.assembly.live import LiveFarm
from buildfarm.assembly.scanners import Scanners
from buildfarm.retention.sweep import Sweep
from buildfarm.vocab.settings import Settings


async def answer_commands(
    ground: Ground,
    scanners: Scanners,
    sweep: Sweep,
    reloading: list[Callable[[Settings], None]],
) -> ControlServer:
    """Take commands from now on; the caller stops what is returned.

    What is added to `reloading` has the verbs know of new settings, which they may be asked to try.
    """
    farm = Farm(
        reactor=ground.reactor,
        settings=ground.settings,
        transactor=ground.storage,
        epoch=ground.epoch,
        filestore=ground.store,
        workers=ground.workers,
        sweep=sweep,
        utc_now=ground.utc_now,
        live=LiveFarm(scanners.roster, scanners.pauses),
    )

    async def call(caller: Caller, name: str, params: dict[str, Any]) -> Any:
        return await verbs.call(farm, caller, name, params)

    def take(settings: Settings) -> None:
        nonlocal farm
        farm = replace(farm, settings=settings)

    reloading.append(take)
    control = ControlServer(ground.reactor, ground.settings.control_socket, call)
    await control.start()
    return control
