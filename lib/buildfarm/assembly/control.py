"""The control socket of a running manager, with its verbs.

Layer 6; used by `assembly.service`. Tests: tests/functional/assembly.
"""

from functools import partial

from buildfarm.admin import verbs
from buildfarm.admin.farm import Farm
from buildfarm.admin.server import ControlServer
from buildfarm.assembly.ground import Ground
from buildfarm.assembly.live import LiveFarm
from buildfarm.assembly.scanners import Scanners
from buildfarm.retention.sweep import Sweep


async def answer_commands(ground: Ground, scanners: Scanners, sweep: Sweep) -> ControlServer:
    """Take commands from now on; the caller stops what is returned."""
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
    control = ControlServer(
        ground.reactor, ground.settings.control_socket, partial(verbs.call, farm)
    )
    await control.start()
    return control
