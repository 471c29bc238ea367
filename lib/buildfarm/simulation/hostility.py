"""Hostile builders in a simulated farm: the behaviours of `farmtesting.hostile`, on virtual time.

Beside the layers. Tests: tests/unit/simulation.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from buildfarm.farmtesting.daemonscript import Fetch, Order, Script
from buildfarm.farmtesting.hostile.builder import HostileDaemon
from buildfarm.farmtesting.hostile.table import SINGLE
from buildfarm.simulation.world import Happening, World

#: Seconds between two packets of those who send without end.
_GAP = 0.05

#: Seconds of a build at least, so that a hostile builder does not take the whole queue.
_BUILD = 6.0


class _Gapped:
    """Virtual time for those who send without end: no two packets at the same moment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def seconds(self) -> float:
        """Seconds since the world began."""
        return self._world.seconds()

    def callLater(
        self, delay: float, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Happening:
        """Call `function` in `delay` seconds, and not at once."""
        return self._world.callLater(max(delay, _GAP), function, *args, **kwargs)


def hostile_daemon(world: World, number: int, fetch: Fetch) -> HostileDaemon:
    """A daemon with one of the behaviours, whose builds take as long as those of others."""
    behaviour = SINGLE[number % len(SINGLE)]
    daemon = HostileDaemon(_Gapped(world), behaviour, fetch=fetch)

    def script(order: Order) -> Script:
        scripted = behaviour.script(order)
        return replace(scripted, seconds=max(scripted.seconds, _BUILD))

    daemon.script = script
    return daemon
