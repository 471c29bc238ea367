"""The machine's clock is set while the manager runs: nothing waits for it, nobody is blamed."""

from buildfarm.assembly.walltime import utc_now
from buildfarm.vocab.states import BuildState, UploaderKind
from tests.functional.faults.cases import FaultTestCase

HOUR = 3600
DAY = 24 * HOUR


class ClockTests(FaultTestCase):
    async def test_it_jumps_to_and_fro(self) -> None:
        """Builds run, are gathered and published as if it had not; so are postponed uploads."""
        clock = self.farm.root / "clock"
        clock.write_text("0")
        archive, away = self.farm.root / "virtual", self.farm.root / "away"
        archive.rename(away)
        await self.farm.add_builders(2, seconds=0.5)
        await self.submit(4)
        self.farm.start_shifted_manager(clock)
        for shift in (HOUR, -HOUR, 30 * DAY, -2 * DAY, 3 * DAY):
            before = len(self.farm.made)
            await self.wait_until(
                lambda before=before: len(self.farm.made) > before, what=self.farm.story
            )
            clock.write_text(str(shift))
        await self.wait_until(self.an_upload_waits_for_next_week, what=self.farm.story)
        await self.pass_time(1.5)  # a clock that is right again before anybody looks is no matter
        clock.write_text("0")
        away.rename(archive)
        await self.finish()
        self.assertIn("the clock of this machine was set back by", self.farm.log.read_text())

    async def an_upload_waits_for_next_week(self) -> bool:
        """Whether an upload is to be tried again at a time that is days away."""
        now = utc_now()
        for build in await self.in_state(BuildState.UPLOADING):
            (attempt,) = await self.farm.attempts(build.id)
            if attempt.next_try is not None and (attempt.next_try - now).days >= 2:
                return True
        return False

    async def test_it_was_wrong_when_the_manager_was_killed(self) -> None:
        """The next one finds a world of the future, and goes on at once."""
        clock = self.farm.root / "clock"
        clock.write_text(str(30 * DAY))
        archive, away = self.farm.root / "main", self.farm.root / "away"
        self.reader.stop()
        archive.rename(away)
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(1, UploaderKind.DIRECTORY)
        manager = self.farm.start_shifted_manager(clock)
        await self.wait_until(self.an_upload_waits_for_next_week, what=self.farm.story)
        await self.farm.kill(manager)
        away.rename(archive)
        self.reader.start()
        self.farm.start_manager()
        await self.finish()
