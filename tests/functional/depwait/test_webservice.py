"""`archive.retryDepWaiting()`, by launchpadlib."""

from typing import Any

from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.farm import built_in
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.webservice.cases import WebServiceTestCase


class RetryTests(WebServiceTestCase):
    """Scripts ask for what the manager does by itself, and are told what came of it."""

    async def test_retried(self) -> None:
        """A build that waits for nothing that is there stays; then another publishes it."""
        scripts = iter(
            [
                Script(seconds=0.1, outcome=BuildOutcome.DEPFAIL, dependencies="foo (>= 1.0)"),
                None,
                None,
            ]
        )
        succeeding = built_in(0.1)
        daemon = self.farm.daemon(lambda order: next(scripts) or succeeding(order))
        await self.farm.add_builder(daemon)
        waiting = await self.farm.submit("hello")
        await self.farm.wait_for_build(waiting, BuildState.MANUALDEPWAIT)

        client = await self.client("ann")

        def ask(launchpad: Any) -> Any:
            archive = launchpad.distributions["debian"].main_archive
            return archive.retryDepWaiting()

        [told] = await self.do(ask, client)
        self.assertEqual(
            (waiting, "foo (>= 1.0)", "Not there: foo (>= 1.0).", False),
            (told["build_id"], told["dependencies"], told["finding"], told["retried"]),
        )
        await self.farm.submit("foo")
        await self.farm.wait_for_build(waiting, BuildState.FULLYBUILT)
        [event] = [one for one in await self.farm.events(waiting) if one.actor == "dep-wait"]
        self.assertEqual("retried by itself: There by now: foo 1.0.", event.reason)
        self.assertEqual([], await self.do(ask, client))
