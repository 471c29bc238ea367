"""`retry-depwait`, as cron runs it."""

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.scripts.cases import ScriptTestCase


class RetryDepwaitTests(ScriptTestCase):
    script = "retry-depwait"

    async def setUp(self) -> None:
        await super().setUp()

        def script(order: Order) -> Script:
            return Script(seconds=0.1, outcome=BuildOutcome.DEPFAIL, dependencies="libnone-dev")

        await self.farm.add_builder(self.farm.daemon(script))
        self.build_id = await self.farm.submit()
        await self.farm.wait_for_build(self.build_id, BuildState.MANUALDEPWAIT)

    async def test_looked(self) -> None:
        """Every build that waits is looked into, and what was found is told; quietly, nothing."""
        await self.log_in("ann")
        told = await self.told("main")
        self.assertIn("Build 1, hello 1.0 amd64 in main/bookworm, waits on: ", told)
        self.assertIn("Builds looked into: 1; tried again: 0.", told)
        self.assertEqual("", await self.told("--all", "--quiet"))
        [found] = await self.told_json("--all")
        self.assertEqual(
            ("main", 1, False), (found["archive"], found["build_id"], found["retried"])
        )

    async def test_refused(self) -> None:
        """No such archive, no right, and nothing said."""
        self.assertIn("There is no archive none", await self.refusal("main", "none"))
        self.assertIn("log in, or use a token", await self.refusal("main"))
        await self.log_in("bert")
        self.assertIn("main: bert may not", await self.refusal("main", "virtual"))
        self.assertIn("or --all", await self.usage())
        self.assertIn("or --all", await self.usage("main", "--all"))
