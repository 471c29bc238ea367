"""A reference builder as a process: what a build leaves behind when its daemon goes."""

import signal

from buildfarm.farmtesting.daemoncase import DaemonCase
from buildfarm.farmtesting.refbuilders import RefBuilders
from buildfarm.farmtesting.strayprocesses import processes_in
from buildfarm.vocab.states import BuildOutcome, DaemonStatus
from tests.contract.sources import DEMO, contract_sources, source_of

_GREETING_RULES = (DEMO / "farm-greeting" / "debian" / "rules").read_text()

_RUNAWAY_RULES = """\
#!/usr/bin/make -f

build build-arch build-indep binary binary-arch binary-indep:
	setsid sleep 1000 &
	echo "It has left its process group"; sleep 1000

clean:

.PHONY: build build-arch build-indep clean binary binary-arch binary-indep
"""


class TestRefBuilder(DaemonCase):
    def setUp(self) -> None:
        super().setUp()
        (self.builder,) = self.useFixture(RefBuilders(self.make_directory())).builders
        self.talk_to(self.builder.url, contract_sources())

    def build_processes(self) -> list[int]:
        """What runs of a build."""
        return processes_in(self.builder.workdir / "build")

    async def build_runaway(self) -> None:
        """Have it build a package whose processes go their own way, until they do."""
        name = "farm-runaway"
        await self.build(source_of(self.make_directory(), "farm-greeting", name, _RUNAWAY_RULES))

        async def has_left() -> bool:
            return b"It has left" in (await self.client.fetch_status()).logtail

        await self.wait_until(has_left)
        self.assertTrue(self.build_processes())

    async def test_abort(self) -> None:
        """Nothing outlives an abort, also what has a session of its own."""
        await self.build_runaway()
        await self.client.abort()
        said = await self.when(DaemonStatus.WAITING)
        self.assertIs(BuildOutcome.ABORTED, said.outcome)
        self.assertEqual([], self.build_processes())

    async def test_killed(self) -> None:
        """A daemon that was killed is idle when it is back; of its build nothing runs on."""
        await self.build_runaway()
        self.builder.signal(signal.SIGKILL)
        self.assertTrue(self.build_processes())
        self.builder.start()
        self.builder.wait()
        await self.when(DaemonStatus.IDLE)
        self.assertEqual([], self.build_processes())
        self.assertEqual([404], [status for status, _ in await self.get("/filecache/buildlog")])

    async def test_terminated(self) -> None:
        """SIGTERM ends the daemon in peace and its build with it."""
        await self.build_runaway()
        self.assertEqual(0, self.builder.signal(signal.SIGTERM))
        self.assertEqual([], self.build_processes())

    async def test_inputs_stay(self) -> None:
        """Inputs are still cached after a restart."""
        sha1 = await self.give(b"an input")
        self.builder.signal(signal.SIGTERM)
        self.builder.start()
        self.builder.wait()
        reply = await self.client.ensure_present(sha1, f"{self.inputs.url}/{sha1}", "", "", 30)
        self.assertEqual((True, "Cache"), (reply.present, reply.text))

    async def test_leftovers(self) -> None:
        """What a package has started and left running ends with its build, which succeeds."""
        leaving = _GREETING_RULES.replace("\tsh -n farm-greeting", "\tsetsid sleep 1000 &")
        self.assertNotEqual(_GREETING_RULES, leaving)
        await self.build(source_of(self.make_directory(), "farm-greeting", rules=leaving))
        said = await self.when(DaemonStatus.WAITING)
        self.assertIs(BuildOutcome.OK, said.outcome)
        self.assertEqual([], processes_in(self.builder.workdir / "build"))

    async def test_says_what_it_is(self) -> None:
        """The first lines of a log say that the build was not confined."""
        await self.build(self.sources.good)
        await self.when(DaemonStatus.WAITING)
        first = (await self.fetch("buildlog")).decode().splitlines()[:3]
        self.assertIn("trusted sources only", " ".join(first))
