"""A build's life through the whole manager, on builders that behave."""

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.storage import builds
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
)


class BuildTests(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        await self.farm.start()

    async def test_a_build_goes_from_the_queue_into_the_archive(self) -> None:
        """Submitted, dispatched, built, gathered, checked, published once."""
        await self.farm.add_builder(self.farm.daemon())
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        (attempt,) = await self.farm.attempts(build_id)
        self.assertEqual(AttemptOutcome.PUBLISHED, attempt.outcome)
        self.assertEqual([attempt.cookie], self.farm.published_cookies())
        self.assertEqual(
            ["hello_1.0_amd64.changes", "hello_1.0_amd64.deb"],
            sorted(path.name for path in (self.farm.published / attempt.cookie).iterdir()),
        )

    async def test_the_builder_is_given_all_that_the_build_needs(self) -> None:
        """The order that arrives names chroot, sources and arguments as launchpad-buildd wants."""
        daemon = self.farm.daemon()
        await self.farm.add_builder(daemon)
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        (order,) = daemon.orders
        self.assertEqual("binarypackage", order.builder_type)
        self.assertEqual(["hello_1.0.dsc"], list(order.filemap))
        self.assertEqual("bookworm", order.args["suite"])
        self.assertEqual("amd64", order.args["arch_tag"])
        self.assertEqual("debian", order.args["distribution"])

    async def test_a_builder_goes_from_build_to_build(self) -> None:
        """It is cleaned after each, and no two builds get the same cookie."""
        daemon = self.farm.daemon(built_in(0.05))
        await self.farm.add_builder(daemon)
        ids = [await self.farm.submit(f"package{number}") for number in range(5)]
        await self.farm.wait_until_built(ids)
        self.assertEqual(5, len({order.build_id for order in daemon.orders}))
        builder = await self.farm.builder()
        self.assertEqual(0, builder.failure_count)

    async def test_higher_scores_go_first(self) -> None:
        """The queue's order is score, then age."""
        daemon = self.farm.daemon(built_in(0.05))
        low = await self.farm.submit("low")
        high = await self.farm.submit("high", score=10)
        await self.farm.add_builder(daemon)
        await self.farm.wait_until_built([low, high])
        built = [next(iter(order.filemap)) for order in daemon.orders]
        self.assertEqual(["high_1.0.dsc", "low_1.0.dsc"], built)

    async def test_each_outcome_ends_the_build_as_the_table_says(self) -> None:
        """DESIGN section 6: what the daemon says decides the state; the log is kept each time."""
        expected = {
            BuildOutcome.PACKAGEFAIL: BuildState.FAILEDTOBUILD,
            BuildOutcome.DEPFAIL: BuildState.MANUALDEPWAIT,
            BuildOutcome.CHROOTFAIL: BuildState.CHROOTWAIT,
        }
        outcomes = iter(expected)
        ids = [await self.farm.submit(f"package{number}") for number in range(len(expected))]

        def script(order: Order) -> Script:
            return Script(next(outcomes), seconds=0.05, dependencies="libfoo-dev")

        await self.farm.add_builder(self.farm.daemon(script))
        for build_id, state in zip(ids, expected.values(), strict=True):
            build = await self.farm.wait_for_build(build_id, state)
            self.assertIsNotNone(build.log_digest)
            self.assertIsNotNone(build.reason)
        waiting = await self.farm.build(ids[1])
        self.assertEqual("libfoo-dev", waiting.dependencies)
        self.assertEqual([], self.farm.published_cookies())

    async def test_an_ok_without_changes_is_not_published(self) -> None:
        """There is nothing to publish without a .changes."""
        await self.farm.add_builder(self.farm.daemon(lambda order: Script(seconds=0.05)))
        build_id = await self.farm.submit()
        build = await self.farm.wait_for_build(build_id, BuildState.FAILEDTOUPLOAD)
        self.assertIn(".changes", build.reason or "")
        self.assertEqual([], self.farm.published_cookies())

    async def test_a_package_cannot_publish_another(self) -> None:
        """Results that claim another source are refused, and the archive is untouched."""
        await self.farm.add_builder(self.farm.daemon(lambda order: built_in(0.05)(_renamed(order))))
        build_id = await self.farm.submit("mine")
        build = await self.farm.wait_for_build(build_id, BuildState.FAILEDTOUPLOAD)
        self.assertIn("other", build.reason or "")
        self.assertEqual([], self.farm.published_cookies())

    async def test_a_given_back_build_waits_before_it_goes_again(self) -> None:
        """Nobody is blamed; it is delayed, and keeps its place after that."""
        await self.farm.add_builder(
            self.farm.daemon(lambda order: Script(BuildOutcome.GIVENBACK, seconds=0.05))
        )
        build_id = await self.farm.submit()
        await self.wait_until(lambda: self.closed(build_id), what="the attempt to be closed")
        build = await self.farm.build(build_id)
        self.assertEqual(BuildState.NEEDSBUILD, build.state)
        self.assertEqual(1, build.given_back)
        self.assertEqual(0, (await self.farm.builder()).failure_count)

    async def closed(self, build_id: int) -> bool:
        attempts = await self.farm.attempts(build_id)
        return bool(attempts) and attempts[-1].state is AttemptState.CLOSED


class CancelTests(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        await self.farm.start()

    async def cancel(self, build_id: int) -> None:
        await self.farm.write(builds.cancel, build_id, "test", utc_now())

    async def test_a_waiting_build_is_cancelled_at_once(self) -> None:
        """No builder is involved."""
        build_id = await self.farm.submit()
        await self.cancel(build_id)
        self.assertEqual(BuildState.CANCELLED, (await self.farm.build(build_id)).state)

    async def test_a_running_build_is_aborted(self) -> None:
        """The daemon aborts, its log is kept, and the builder goes on with other work."""
        daemon = self.farm.daemon(built_in(60))
        await self.farm.add_builder(daemon)
        build_id = await self.farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        await self.cancel(build_id)
        await self.farm.wait_for_build(build_id, BuildState.CANCELLED)
        daemon.script = built_in(0.05)
        await self.farm.wait_until_built([await self.farm.submit("next")])

    async def test_an_abort_without_effect_does_not_hold_the_build(self) -> None:
        """After its deadline the build is CANCELLED and the builder taken out, with the reason."""
        daemon = self.farm.daemon(lambda order: Script(seconds=600, abort_seconds=None))
        await self.farm.add_builder(daemon)
        build_id = await self.farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        await self.cancel(build_id)
        await self.farm.wait_for_build(build_id, BuildState.CANCELLED)
        builder = await self.farm.builder()
        self.assertFalse(builder.builderok)
        self.assertIn("ABORTING", builder.failnotes or "")


class RestartTests(FarmTestCase):
    async def test_a_restart_interrupts_no_running_build(self) -> None:
        """The next manager finds the build by its cookie, and publishes it once."""
        farm = await Farm.make(self)
        await farm.start()
        daemon = farm.daemon(built_in(1.0))
        await farm.add_builder(daemon)
        build_id = await farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        await farm.stop()
        await farm.start()
        await farm.wait_until_built([build_id])
        self.assertEqual(1, len(daemon.orders))
        self.assertEqual([daemon.orders[0].build_id], farm.published_cookies())

    async def test_a_build_that_ended_meanwhile_is_gathered(self) -> None:
        """What finished while no manager ran is not lost."""
        farm = await Farm.make(self)
        await farm.start()
        daemon = farm.daemon(built_in(0.5))
        await farm.add_builder(daemon)
        build_id = await farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        await farm.stop()
        ended = self.reactor.seconds() + 0.6
        await self.wait_until(lambda: self.reactor.seconds() > ended, what="the build to end")
        await farm.start()
        await farm.wait_until_built([build_id])

    async def test_a_daemon_that_forgot_its_build_costs_one_attempt(self) -> None:
        """IDLE where ours should run: the build is queued again, the builder cleaned."""
        farm = await Farm.make(self)
        await farm.start()
        daemon = farm.daemon(built_in(30))
        await farm.add_builder(daemon)
        build_id = await farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        daemon.restart()
        daemon.script = built_in(0.05)
        await self.wait_until(
            lambda: self.outcome(farm, build_id, AttemptOutcome.LOST), what="the loss to be seen"
        )
        (attempt, *_) = await farm.attempts(build_id)
        self.assertEqual(AttemptOutcome.LOST, attempt.outcome)

    async def outcome(self, farm: Farm, build_id: int, outcome: AttemptOutcome) -> bool:
        attempts = await farm.attempts(build_id)
        return any(attempt.outcome is outcome for attempt in attempts)


class CleanlinessTests(FarmTestCase):
    async def test_a_new_builder_is_cleaned_before_it_is_used(self) -> None:
        """A stranger's job on it is aborted and forgotten first, and never gathered."""
        farm = await Farm.make(self)
        await farm.start()
        daemon = farm.daemon(built_in(60))
        simulated = await farm.add_builder(daemon)
        del simulated
        first = await farm.submit("first")
        await self.wait_until(lambda: daemon.orders, what="the first build to begin")
        await farm.write(builds.cancel, first, "test", utc_now())
        await farm.wait_for_build(first, BuildState.CANCELLED)
        self.assertEqual([], farm.published_cookies())

    async def test_an_idle_builder_is_clean(self) -> None:
        """It was asked twice, as nothing was known of it."""
        farm = await Farm.make(self)
        await farm.start()
        daemon = farm.daemon()
        await farm.add_builder(daemon)

        async def clean() -> bool:
            return (await farm.builder()).clean_status is CleanStatus.CLEAN

        await self.wait_until(clean, what="the builder to be clean")
        self.assertGreaterEqual(sum(call.method == "status" for call in daemon.calls), 2)


def _renamed(order: Order) -> Order:
    """The order as if it had been for a package named `other`."""
    return Order(
        order.build_id, order.builder_type, order.chroot, {"other_1.0.dsc": ""}, order.args, {}
    )
