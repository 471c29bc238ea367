"""What the daemon tells the init system, and what it does on SIGHUP."""

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock

from buildfarm.assembly.daemon import Daemon
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.logfile import LogFile
from buildfarm.flow.readiness import Readiness
from buildfarm.vocab.errors import FarmError, Refused, StaleState
from buildfarm.vocab.settings import Settings


class RecordingManager(Service):
    """A manager that starts when the test says so."""

    def __init__(self) -> None:
        self.running_deferred: Deferred[None] = Deferred()
        self.lost_deferred: Deferred[FarmError] = Deferred()
        self.settings: list[Settings] = []
        self.stopped = False

    def when_running(self) -> Deferred[None]:
        """Fires when the test fires it."""
        return self.running_deferred

    def when_lost(self) -> Deferred[FarmError]:
        """Fires when the test fires it."""
        return self.lost_deferred

    def reload(self, settings: Settings) -> None:
        """Remember `settings`."""
        self.settings.append(settings)

    def stopService(self) -> Deferred[None]:
        """Stop at once."""
        super().stopService()
        self.stopped = True
        return succeed(None)


class RecordingReadiness(Readiness):
    """Remembers what was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def ready(self, status: str = "") -> None:
        """Remember it."""
        self.told.append("ready")

    def reloading(self) -> None:
        """Remember it."""
        self.told.append("reloading")

    def stopping(self) -> None:
        """Remember it."""
        self.told.append("stopping")


class TestDaemon(FarmTestCase):
    def setUp(self) -> None:
        """Start a daemon."""
        super().setUp()
        self.config: Path = self.make_directory() / "manager.toml"
        self.config.write_text('[manager]\nstate_dir = "state"\n')
        self.log = LogFile(self.config.with_name("log"))
        self.addCleanup(self.log.close)
        self.manager = RecordingManager()
        self.readiness = RecordingReadiness()
        self.started: list[list[str]] = []
        self.memory_reactor = MemoryReactorClock()
        self.daemon = Daemon(
            self.memory_reactor,
            self.manager,
            self.config,
            log_file=self.log,
            readiness=self.readiness,
            when_ready=lambda: self.started.append(list(self.readiness.told)),
        )
        self.daemon.startService()
        self.addCleanup(self.daemon.stopService)

    def test_ready_when_running(self) -> None:
        """Readiness is told when the manager works, not when it begins to start."""
        self.assertTrue(self.manager.running)
        self.assertEqual([], self.readiness.told)
        self.manager.running_deferred.callback(None)
        self.assertEqual(["ready"], self.readiness.told)
        self.assertEqual([[]], self.started)

    def test_stopping(self) -> None:
        """That the manager stops is told before it does."""
        self.manager.running_deferred.callback(None)
        self.successResultOf(self.daemon.stopService())
        self.assertEqual(["ready", "stopping"], self.readiness.told)
        self.assertTrue(self.manager.stopped)

    def test_cannot_start(self) -> None:
        """A manager that is refused its start ends the process, and is never called ready."""
        self.manager.running_deferred.errback(Refused("Another manager runs here."))
        self.assertEqual([], self.readiness.told)
        self.memory_reactor.run()
        self.assertTrue(self.memory_reactor.hasStopped)
        self.assertTrue(self.daemon.failed)

    def test_lost(self) -> None:
        """A manager whose farm is another's by now ends the process, which has failed."""
        self.manager.running_deferred.callback(None)
        self.manager.lost_deferred.callback(StaleState("Epoch 1 is over."))
        self.memory_reactor.run()
        self.assertTrue(self.memory_reactor.hasStopped)
        self.assertTrue(self.daemon.failed)

    def test_breaks_at_start(self) -> None:
        """So does one that breaks; its traceback is in the log."""
        self.manager.running_deferred.errback(ZeroDivisionError())
        self.memory_reactor.run()
        self.assertTrue(self.memory_reactor.hasStopped)
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))

    def test_stopped_while_starting(self) -> None:
        """A start that is cut short by a stop is no failure."""
        self.successResultOf(self.daemon.stopService())
        self.manager.running_deferred.cancel()
        self.assertFalse(self.daemon.failed)
        self.assertEqual(["stopping"], self.readiness.told)

    def test_reload(self) -> None:
        """Settings that were read again reach the manager."""
        self.config.write_text('[manager]\nstate_dir = "state"\n[scanning]\ncpu_share = 0.5\n')
        self.manager.running_deferred.callback(None)
        self.daemon.reload()
        self.assertEqual([0.5], [settings.scanning.cpu_share for settings in self.manager.settings])
        self.assertEqual(["ready", "reloading", "ready"], self.readiness.told)

    def test_reload_of_nonsense(self) -> None:
        """Settings that are not right change nothing, and the daemon goes on."""
        self.config.write_text('[manager]\nstate_dir = "state"\ncolour = "red"\n')
        self.manager.running_deferred.callback(None)
        self.daemon.reload()
        self.assertEqual([], self.manager.settings)
        self.assertEqual(["ready", "reloading", "ready"], self.readiness.told)

    def test_reload_while_starting(self) -> None:
        """A reload that comes too early does not pass for readiness."""
        self.daemon.reload()
        self.assertEqual([], self.readiness.told)
