"""The manager is killed at random moments under load, again and again on one farm.

The seed of the moments is in the output of a failed test; `RESTARTS_SEED` repeats them.
"""

import os
import random
import signal

from buildfarm.vocab.states import UploaderKind
from tests.functional.restarts.killing import RestartTestCase

#: Seconds that a manager may work before it is killed.
_LONGEST = 1.2

#: The share of the managers that are killed while they still start, or soon after.
_EARLY = 0.2


class RandomKillTests(RestartTestCase):
    kills = 20

    async def test_directory(self) -> None:
        """Builds are published by renaming directories, some of which a reader takes at once."""
        await self.kill_at_random(UploaderKind.DIRECTORY)

    async def test_reprepro(self) -> None:
        """Builds are published by reprepro, which must not be cut off unnoticed."""
        await self.kill_at_random(UploaderKind.REPREPRO)

    async def kill_at_random(self, uploader: UploaderKind) -> None:
        """Kill managers while builds come in; the last one finishes what is left."""
        seed = int(os.environ.get("RESTARTS_SEED") or random.SystemRandom().randrange(10**6))
        print(f"RESTARTS_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
        moments = random.Random(seed)
        await self.farm.add_builders(3, seconds=0.6)
        await self.submit(4, uploader, prefix="first")
        for number in range(self.kills):
            await self.submit(2, uploader, prefix=f"round{number}-")
            manager = self.farm.start_manager()
            if moments.random() > _EARLY:
                await self.farm.wait_until_ready()
            moment = moments.uniform(0.0, _LONGEST)
            self.reactor.callLater(moment, manager.send, signal.SIGKILL)
            status = await self.farm.wait_until_ended(manager)
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()
