"""Each builder's trouble is its own: the others are served as if it were not there."""

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.storage import roster
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.states import AttemptOutcome, BuildOutcome, BuildState, CleanStatus
from buildfarm.wire.builderrpc import Fault


class TroubleTests(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        await self.farm.start()
        self.healthy = self.farm.daemon(built_in(0.05))

    async def assert_others_are_served(self, troubled: FakeDaemon) -> None:
        """Five builds are built by the healthy builder while the troubled one is in trouble."""
        await self.farm.add_builder(troubled, "troubled")
        await self.farm.add_builder(self.healthy, "healthy")
        ids = [await self.farm.submit(f"package{number}") for number in range(5)]
        await self.farm.wait_until_built(ids)
        self.assertEqual(5, len(self.healthy.orders))

    async def test_a_builder_that_hangs(self) -> None:
        """Connections are accepted and nothing is ever answered."""
        troubled = self.farm.daemon()
        troubled.hang()
        self.addCleanup(troubled.wake)
        await self.assert_others_are_served(troubled)

    async def test_a_builder_that_cannot_be_reached(self) -> None:
        """Connections are closed at once."""
        troubled = self.farm.daemon()
        troubled.unreachable = True
        await self.assert_others_are_served(troubled)

    async def test_a_builder_that_talks_nonsense(self) -> None:
        """Its status has no meaning."""
        troubled = self.farm.daemon()
        troubled.lies["status"] = {"builder_status": "BuilderStatus.DANCING"}
        await self.assert_others_are_served(troubled)

    async def test_a_builder_that_faults_at_every_call(self) -> None:
        """Each answer is an XML-RPC fault."""
        troubled = self.farm.daemon()
        for method in ("status", "ensurepresent", "build", "abort", "clean"):
            troubled.lies[method] = Fault(8002, "error")
        await self.assert_others_are_served(troubled)

    async def test_a_builder_that_floods(self) -> None:
        """Its answers are larger than any answer may be."""
        troubled = self.farm.daemon()
        troubled.lies["status"] = {"builder_status": "x" * 20_000_000}
        await self.assert_others_are_served(troubled)

    async def test_a_builder_that_says_building_with_anothers_cookie(self) -> None:
        """It is taken out, since it runs something that is not ours while it should be clean."""
        troubled = self.farm.daemon()
        await self.farm.add_builder(troubled)
        await self.wait_until(lambda: self.is_clean("bob"), what="the builder to be clean")
        troubled.lies["status"] = {
            "builder_status": "BuilderStatus.BUILDING",
            "build_id": "PACKAGEBUILD-9-9-00000000",
        }
        await self.wait_until(lambda: self.is_out("bob"), what="the builder to be taken out")
        builder = await self.farm.builder()
        self.assertIn("PACKAGEBUILD-9-9-00000000", builder.failnotes or "")

    async def is_out(self, name: str) -> bool:
        return not (await self.farm.builder(name)).builderok

    async def is_clean(self, name: str) -> bool:
        return (await self.farm.builder(name)).clean_status is CleanStatus.CLEAN


class DoubtTests(FarmTestCase):
    """An unanswered `build` is never trusted afterwards, and nothing of it is gathered."""

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        await self.farm.start()

    async def test_a_build_whose_answer_is_lost(self) -> None:
        """The daemon builds it; the build is queued again, and published from elsewhere only."""
        doubtful = self.farm.daemon(built_in(0.2))
        doubtful.lose_reply_to.add("build")
        await self.farm.add_builder(doubtful, "doubtful")
        build_id = await self.farm.submit()
        await self.wait_until(lambda: doubtful.orders, what="the build to begin")
        await self.wait_until(
            lambda: self.has_outcome(build_id, AttemptOutcome.UNCONFIRMED),
            what="the attempt to be closed",
        )
        abandoned = doubtful.orders[0].build_id
        await self.farm.add_builder(self.farm.daemon(built_in(0.05)), "other")
        await self.wait_until(lambda: self.is_clean("doubtful"), what="the builder to be clean")
        self.assertNotIn(abandoned, self.farm.published_cookies())

    async def test_a_daemon_that_is_blocked_while_build_is_sent(self) -> None:
        """The build begins after IDLE was answered, and is aborted before the next job."""
        daemon = self.farm.daemon(built_in(0.2))
        await self.farm.add_builder(daemon)
        await self.wait_until(lambda: self.is_clean("bob"), what="the builder to be clean")
        self.block_when_sent(daemon)
        build_id = await self.farm.submit()
        await self.wait_until(
            lambda: self.has_outcome(build_id, AttemptOutcome.UNCONFIRMED),
            what="`build` to time out",
        )
        daemon.wake()
        await self.wait_until(lambda: daemon.orders, what="the abandoned build to begin")
        abandoned = daemon.orders[0].build_id
        await self.wait_until(lambda: self.is_clean("bob"), what="the builder to be clean")
        following = await self.farm.submit("following")
        await self.farm.wait_until_built([following])
        self.assertNotIn(abandoned, self.farm.published_cookies())

    def block_when_sent(self, daemon: FakeDaemon) -> None:
        """Have the daemon hang from the moment at which the first attempt is marked SENT."""
        service = self.farm.service
        assert service is not None, "the farm runs"
        storage = service.storage
        assert storage is not None, "the farm runs"
        write = storage.write
        blocked: list[bool] = []

        async def blocking(act: object, *arguments: object, **named: object) -> object:
            done = await write(act, *arguments, **named)  # type: ignore[arg-type]
            if getattr(act, "__name__", "") == "mark_sent" and not blocked:
                blocked.append(True)
                daemon.hang()
                self.addCleanup(daemon.wake)
            return done

        self.patch(storage, "write", blocking)

    async def has_outcome(self, build_id: int, outcome: AttemptOutcome) -> bool:
        return any(attempt.outcome is outcome for attempt in await self.farm.attempts(build_id))

    async def is_clean(self, name: str) -> bool:
        return (await self.farm.builder(name)).clean_status is CleanStatus.CLEAN


class RosterTests(FarmTestCase):
    """Builders added, changed or removed while the manager runs."""

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        await self.farm.start()

    async def change(self, name: str, **changes: object) -> None:
        await self.farm.write(roster.change_builder, name, changes, "test", utc_now())

    async def test_a_disabled_builder_gets_nothing_until_it_is_enabled(self) -> None:
        """Both are picked up while the manager runs."""
        daemon = self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(daemon)
        await self.change("bob", builderok=False, failnotes="its disk is dying")
        build_id = await self.farm.submit()
        other = self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(other, "other")
        await self.farm.wait_until_built([build_id])
        self.assertEqual([], daemon.orders)
        await self.change("other", manual=True)
        await self.change("bob", builderok=True)
        await self.farm.wait_until_built([await self.farm.submit("second")])
        self.assertEqual(1, len(daemon.orders))

    async def test_a_builder_removed_by_force_gives_its_build_to_another(self) -> None:
        """The build is queued again at once."""
        daemon = self.farm.daemon(built_in(60))
        await self.farm.add_builder(daemon, "leaving")
        build_id = await self.farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        staying = self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(staying, "staying")
        await self.farm.write(roster.remove_builder, "leaving", True, "test", utc_now())
        attempts = await self.wait_until(lambda: self.lost(build_id), what="the job to be lost")
        self.assertEqual(AttemptOutcome.LOST, attempts[0].outcome)

    async def lost(self, build_id: int) -> tuple[AttemptSnapshot, ...]:
        attempts = await self.farm.attempts(build_id)
        return attempts if attempts and attempts[0].outcome is not None else ()

    async def test_a_builder_that_moves_is_followed(self) -> None:
        """A changed URL is used from the next scan on."""
        first, second = self.farm.daemon(built_in(0.05)), self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(first, "bob")
        moved = await self.farm.add_builder(second, "temporary")
        del moved
        url = (await self.farm.builder("temporary")).url
        await self.farm.write(roster.remove_builder, "temporary", False, "test", utc_now())
        await self.change("bob", url=url)
        await self.farm.wait_until_built([await self.farm.submit()])
        self.assertEqual([], first.orders)


class BlameTests(FarmTestCase):
    async def test_a_job_that_fails_its_builders_fails(self) -> None:
        """What aborts by itself wherever it runs is the job's fault in the end."""
        farm = await Farm.make(self)
        await farm.start()
        for name in ("one", "two"):
            await farm.add_builder(
                farm.daemon(lambda order: Script(BuildOutcome.ABORTED, seconds=0.02)), name
            )
        build_id = await farm.submit()
        attempts = await self.wait_until(lambda: self.closed(farm, build_id), what="a verdict")
        self.assertEqual(AttemptOutcome.ABORTED, attempts[0].outcome)
        build = await farm.build(build_id)
        self.assertIn(build.state, (BuildState.NEEDSBUILD, BuildState.BUILDING))
        self.assertEqual(1, build.failure_count)

    async def closed(self, farm: Farm, build_id: int) -> tuple[AttemptSnapshot, ...]:
        attempts = await farm.attempts(build_id)
        return attempts if attempts and attempts[0].outcome is not None else ()
