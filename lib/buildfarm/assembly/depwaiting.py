"""Dep-waits that are tried again by themselves, wired.

Layer 6; part of `assembly.service`. Tests: tests/functional/depwait.
"""

from buildfarm.assembly.ground import Ground
from buildfarm.depwait.looks import Looker
from buildfarm.depwait.stage import DepWaits
from buildfarm.vocab.settings import Settings


class DepWaiting(DepWaits):
    """The stage with its looker, which hear of new settings together."""

    def __init__(self, ground: Ground) -> None:
        self._looker = Looker(ground.reactor, ground.settings, ground.workers, ground.utc_now)
        super().__init__(
            ground.reactor,
            storage=ground.storage,
            settings=ground.settings,
            look_at=ground.surroundings.look_at or self._looker.look,
            utc_now=ground.utc_now,
            checkpoint=ground.checkpoint,
        )

    def reload(self, settings: Settings) -> None:
        """Go on with these intervals and bounds."""
        self._looker.settings = settings
        super().reload(settings)
