"""Archives that refuse, for a while or for good, and uploaders that hang."""

from buildfarm.vocab.states import BuildState, UploaderKind
from tests.functional.faults.cases import FaultTestCase

_PROGRAM = """#!/bin/sh
# Publishes, unless the file beside it says otherwise.
mood=$(cat "{place}/mood")
echo "$BUILDD_MANAGER_COOKIE" >> "{place}/tried"
case $mood in
closed) echo "closed for repairs"; exit 1 ;;
never) echo "not here"; exit 65 ;;
hang) trap '' TERM
    (setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &)
    while :; do sleep 1000; done ;;
esac
"""


class ArchiveTestCase(FaultTestCase):
    async def add_program(self, mood: str) -> None:
        """An archive `told` whose program is in this mood."""
        self.place = self.farm.root / "told"
        self.place.mkdir()
        program = self.place / "program"
        program.write_text(_PROGRAM.format(place=self.place))
        program.chmod(0o755)
        self.set_mood(mood)
        await self.farm.add_archive("told", uploader=UploaderKind.COMMAND, path=str(program))

    def set_mood(self, mood: str) -> None:
        """What the program does from now on."""
        (self.place / "mood").write_text(mood)

    def tried(self) -> list[str]:
        """The cookies with which the program was run."""
        told = self.place / "tried"
        return told.read_text().split() if told.exists() else []


class RefusingTests(ArchiveTestCase):
    async def test_for_a_while(self) -> None:
        """Uploads wait and say why, other archives are served; when it takes them, all is well."""
        await self.add_program("closed")
        virtual, away = self.farm.root / "virtual", self.farm.root / "away"
        virtual.rename(away)
        lock = self.farm.root / "apt/db/lockfile"
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        await self.farm.add_builders(2, seconds=0.1)
        await self.submit(2)
        await self.farm.submit_into("told", "hello")
        self.farm.start_manager()

        async def only_these_wait() -> bool:
            waiting = [build.archive for build in await self.in_state(BuildState.UPLOADING)]
            built = await self.in_state(BuildState.FULLYBUILT)
            return (
                sorted(waiting) == ["apt", "apt", "told", "virtual", "virtual"] and len(built) == 4
            )

        await self.wait_until(only_these_wait, what=self.farm.story)
        await self.wait_until(lambda: len(self.tried()) >= 3, what=self.farm.story)
        said = {
            "told": "closed for repairs",
            "virtual": "was it moved, or not mounted?",
            "apt": "somebody runs reprepro there",
        }
        for build in await self.in_state(BuildState.UPLOADING):
            told = await self.farm.ask("build.why", {"build_id": build.id})
            self.assertIn(said[build.archive], str(told))
        self.set_mood("open")
        away.rename(virtual)
        lock.unlink()
        await self.finish()
        self.assertEqual(1, len(set(self.tried())))

    async def test_for_good(self) -> None:
        """What is refused, or not taken in many tries, ends; a retry publishes it all the same."""
        self.configure(uploads={"max_tries": 3})
        await self.add_program("never")
        await self.farm.add_builders(1, seconds=0.1)
        refused = await self.farm.submit_into("told", "refused")
        self.farm.start_manager()
        ended = await self.farm.wait_for_build(refused, BuildState.FAILEDTOUPLOAD)
        self.assertIn("not here", ended.reason or "")
        self.set_mood("closed")
        ignored = await self.farm.submit_into("told", "ignored")
        ended = await self.farm.wait_for_build(ignored, BuildState.FAILEDTOUPLOAD)
        self.assertIn("given up after 3 tries", ended.reason or "")
        self.set_mood("open")
        for build_id in (refused, ignored):
            await self.farm.ask("build.retry", {"build_id": build_id})
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        for builder in ("real0", "vm0"):
            found = await self.farm.builder(builder)
            self.assertEqual((True, 0), (found.builderok, found.failure_count))


class HangingTests(ArchiveTestCase):
    async def test_a_program_that_neither_ends_nor_can_be_asked_to(self) -> None:
        """It is killed, with what has left its process group; then the upload is tried again."""
        self.configure(uploads={"deadline": 1.0})
        await self.add_program("hang")
        await self.farm.add_builders(1, seconds=0.1)
        build_id = await self.farm.submit_into("told", "hello")
        await self.submit(2)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.tried()) >= 1, what=self.farm.story)
        self.set_mood("open")
        await self.farm.wait_for_build(build_id, BuildState.FULLYBUILT, deadline=40.0)
        await self.finish()
        self.assertEqual(2, len(self.tried()))
        self.assertIn("did not end before its deadline", self.farm.log.read_text())
