"""One builder's side of a manager on a test's clock: a real database, a daemon in memory."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.memory import fake_client, inline_workers
from buildfarm.filestore.store import FileStore
from buildfarm.filestore.tokens import Tokens
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.cleaning import Cleaner
from buildfarm.scanning.crew import Crew
from buildfarm.scanning.dispatch import Dispatcher
from buildfarm.scanning.gather import Gatherer
from buildfarm.scanning.job import Job, Standing
from buildfarm.scanning.judge import Judge
from buildfarm.scanning.pace import Pace
from buildfarm.scanning.pauses import Pauses
from buildfarm.scanning.progress import ProgressJournal
from buildfarm.scanning.roster import Roster
from buildfarm.scanning.scanner import Scanner
from buildfarm.scanning.steps import Steps
from buildfarm.storage import attempts
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.settings import (
    FilesSettings,
    GatherSettings,
    ResetSettings,
    ScanningSettings,
)
from buildfarm.vocab.states import AttemptState, ResetProtocol
from tests.unit.storage.cases import StorageTestCase

CHANGES = "hello_1.0-1_amd64.changes"
RESULTS = {CHANGES: b"what was changed", "hello_1.0-1_amd64.deb": b"a package"}

#: A builder that is reset before each build.
VIRTUAL: dict[str, Any] = {
    "virtualized": True,
    "vm_host": "host1",
    "vm_reset_protocol": ResetProtocol.SYNCHRONOUS,
}


class InlineStorage:
    """The transactor without threads: acts and queries are carried out where they are asked for.

    `acts` names what was written. While `error` is set nothing works, and raises it; while
    `pending` is set, acts wait for it.
    """

    def __init__(self, test: StorageTestCase) -> None:
        self.acts: list[str] = []
        self.committing_for = 0.0
        self.error: Exception | None = None
        self.pending: Deferred[None] | None = None
        self.publish: Callable[[Announcement], None] = lambda announcement: None
        self._test = test

    async def write(self, act: Any, *args: Any, **kwargs: Any) -> Any:
        """Commit one act, and publish what it announces."""
        if self.pending is not None:
            await self.pending
        if self.error is not None:
            raise self.error
        self.acts.append(act.__name__)
        value = self._test.act(act, *args, **kwargs)
        for announcement in self._test.announced:
            self.publish(announcement)
        return value

    async def read(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer of a query."""
        if self.error is not None:
            raise self.error
        return self._test.ask(query, *args, **kwargs)


class MemoryResetter:
    """Resets machines that are fake daemons; `asked` names the builders, `error` is raised."""

    def __init__(self) -> None:
        self.machines: dict[str, FakeDaemon] = {}
        self.asked: list[str] = []
        self.output = "reset\n"
        self.error: Exception | None = None
        self.pending: Deferred[None] | None = None

    async def reset(self, builder: BuilderSnapshot) -> str:
        """Reset the machine of `builder`, if there is one; what the command would have printed."""
        self.asked.append(builder.name)
        if self.pending is not None:
            await self.pending
        if self.error is not None:
            raise self.error
        if builder.name in self.machines:
            self.machines[builder.name].reset()
        return self.output


class ScanningTestCase(StorageTestCase):
    """All that scanners share, wired as `assembly.scanners` does it, without what needs a reactor.

    `daemons` are the machines of the builders by name, made when first needed.
    """

    scanning = ScanningSettings(cpu_share=1.0)

    def setUp(self) -> None:
        super().setUp()
        self.daemons: dict[str, FakeDaemon] = {}
        self.checkpoints: list[str] = []
        self.storage: Any = InlineStorage(self)
        self.resetter: Any = MemoryResetter()
        self.resetter.machines = self.daemons
        self.spool_dir = self.directory / "spool"
        self.store_dir = self.directory / "files"
        self.pauses = Pauses(self.utc_now)
        self.pace = Pace(self.scanning, lambda: 0.0)
        self.roster = Roster(
            self.clock,
            storage=self.storage,
            epoch=self.epoch,
            utc_now=self.utc_now,
            pauses=self.pauses,
            pace=self.pace,
            web_url="http://farm.example",
        )
        self.pauses.when_resumed = self.roster.everybody_seek
        self.gatherer = Gatherer(
            self.clock,
            GatherSettings(),
            self.spool_dir,
            FileStore(self.store_dir),
            inline_workers(),
        )
        self.judge = self.make_judge()
        told: dict[str, Any] = {"utc_now": self.utc_now, "checkpoint": self.checkpoints.append}
        self.dispatcher = Dispatcher(
            storage=self.storage,
            epoch=self.epoch,
            files=FilesSettings(),
            tokens=Tokens(bytes(32)),
            scanning=self.scanning,
            **told,
        )
        self.cleaner = Cleaner(
            storage=self.storage, epoch=self.epoch, resetter=self.resetter, **told
        )
        self.progress = ProgressJournal(self.clock, self.write_notes)
        self.crew = Crew(
            work=self.roster,
            judge=self.judge,
            pace=self.pace,
            dispatcher=self.dispatcher,
            gatherer=self.gatherer,
            cleaner=self.cleaner,
            progress=self.progress,
            scanning=self.scanning,
            resets=ResetSettings(cleaning_deadline=600.0),
        )

    def make_judge(self, farm_size: int = 10) -> Judge:
        """The judge of a farm of so many builders."""
        return Judge(
            self.clock,
            storage=self.storage,
            epoch=self.epoch,
            utc_now=self.utc_now,
            scanning=self.scanning,
            pauses=self.pauses,
            farm_size=lambda: farm_size,
            keep_tail=self.gatherer.keep_tail,
            checkpoint=self.checkpoints.append,
        )

    async def write_notes(self, notes: Any) -> None:
        """Write one batch of progress notes."""
        await self.storage.write(attempts.record_progress, self.epoch, notes, self.utc_now())

    # Builders and their daemons.

    def daemon(self, name: str = "bob") -> FakeDaemon:
        """The daemon of this builder; its builds take 10 s and succeed."""
        if name not in self.daemons:
            self.daemons[name] = FakeDaemon(self.clock, lambda order: Script(results=RESULTS))
        return self.daemons[name]

    def called(self, name: str = "bob") -> list[str]:
        """What that daemon was asked, in order."""
        return [call.method for call in self.daemon(name).calls]

    def make_client(self, builder: BuilderSnapshot) -> BuilderClient:
        """The client of a builder, connected in memory to its daemon."""
        return fake_client(self.clock, self.daemon(builder.name), self.scanning)

    def ask_daemon(self, client: BuilderClient) -> Observation:
        """What the daemon says now."""
        return self.successResultOf(client.fetch_status())

    # Jobs, steps and scanners.

    def claimed(self, builder: BuilderSnapshot) -> BuildOrder:
        """A build of hello, claimed for `builder`."""
        self.submit()
        [order] = self.claim(builder.id)
        assert order is not None
        return order

    def job_of(self, order: BuildOrder, state: AttemptState = AttemptState.CLAIMED) -> Job:
        """The job of `order`, as a scanner has it."""
        return Job(order, state, self.clock.seconds(), self.clock.seconds())

    def sent_job(self, builder: BuilderSnapshot) -> Job:
        """A build of hello that `builder` has confirmed."""
        order = self.claimed(builder)
        self.act(attempts.mark_sent, self.epoch, order.attempt.id, self.now())
        return self.job_of(order, AttemptState.CONFIRMED)

    def make_steps(self, builder: BuilderSnapshot, order: BuildOrder | None = None) -> Steps:
        """The steps for one builder and the order that it holds."""
        return self._steps(Standing(builder, order), Wakeup(self.clock))

    def make_scanner(self, standing: Standing) -> Scanner:
        """A scanner, not started."""
        wakeup = Wakeup(self.clock)
        return Scanner(
            self.clock,
            steps=self._steps(standing, wakeup),
            wakeup=wakeup,
            judge=self.judge,
            pace=self.pace,
            turn=self.turn,
            fetch_standing=self.roster.fetch_standing,
            earlier_reset_over=self.earlier_reset_over,
        )

    async def earlier_reset_over(self, builder: BuilderSnapshot) -> None:
        """No manager was there before."""

    async def turn(self, builder_id: int) -> None:
        """Nobody else is in the way."""

    def _steps(self, standing: Standing, wakeup: Wakeup) -> Steps:
        steps = Steps(
            self.clock,
            utc_now=self.utc_now,
            standing=standing,
            make_client=self.make_client,
            crew=self.crew,
            wakeup=wakeup,
        )

        def close() -> None:
            steps.client.close()  # whichever it is by then

        self.addCleanup(close)
        return steps
