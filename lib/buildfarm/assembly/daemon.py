"""The manager as a system runs it: told when ready, told to stop, asked to read its settings again.

Layer 6. Used alike by `buildd-manager.tac` and by `buildd-manager run`; what the manager itself is
made of is in `assembly.service`. Tests: tests/unit/assembly/test_daemon.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from buildfarm.assembly.settings import load
from buildfarm.flow.hangup import Hangup
from buildfarm.flow.logfile import LogFile
from buildfarm.flow.readiness import Readiness
from buildfarm.vocab.errors import FarmError, SettingsError
from buildfarm.vocab.settings import Settings


class Manager(Protocol):
    """What a daemon asks of the service that it runs."""

    def when_running(self) -> Deferred[None]:
        """Fires once the manager does its work, or with the reason why it cannot."""

    def when_lost(self) -> Deferred[FarmError]:
        """Fires with the reason when another manager has taken the farm over."""

    def reload(self, settings: Settings) -> None:
        """Use those of `settings` that can change while running."""

    def setServiceParent(self, parent: Any) -> Any:  # noqa: N802 - Twisted's name
        """Start and stop with `parent`."""


class Daemon(MultiService):
    """Runs `manager` under an init system.

    The service manager is told by `readiness` when work begins and when it ends. SIGHUP opens the
    log again and reads the configuration file at `config` again; one that is not right changes
    nothing. A manager that cannot start, or that has lost its farm to another, is logged, and the
    reactor stopped.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        manager: Manager,
        config: Path,
        *,
        log_file: LogFile,
        readiness: Readiness,
        when_ready: Callable[[], None],
    ) -> None:
        """`when_ready` is called once, when everything is started."""
        super().__init__()  # type: ignore[no-untyped-call]
        #: Whether the manager could not start, or not go on.
        self.failed = False
        self._ready = False
        self._manager = manager
        self._config = config
        self._readiness = readiness
        self._when_ready = when_ready
        self._reactor = reactor
        manager.setServiceParent(self)
        Hangup(reactor, log_file.reopen, self.reload).setServiceParent(self)  # type: ignore[no-untyped-call]

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Start the manager; the reactor need not run yet."""
        super().startService()  # type: ignore[no-untyped-call]
        Deferred.fromCoroutine(self._follow_start())

    def stopService(self) -> Any:  # noqa: N802 - Twisted's name
        """Stop in order; fires when that is done."""
        self._readiness.stopping()
        return super().stopService()  # type: ignore[no-untyped-call]

    def reload(self) -> None:
        """Read the configuration file again and use what can be used without a restart.

        While the manager starts, nothing: it has just read that file.
        """
        if not self._ready:
            return
        self._readiness.reloading()
        try:
            self._manager.reload(load(self._config))
        except SettingsError as error:
            self.log.error("the settings stay as they were: {error}", error=error)
        else:
            self.log.info("the settings were read again from {path}", path=self._config)
        self._readiness.ready()

    async def _follow_start(self) -> None:
        try:
            await self._manager.when_running()
        except FarmError as error:
            self.log.critical("the manager cannot start: {error}", error=error)
            self._give_up()
        except Exception:  # noqa: BLE001 - logged, and the process ends
            if self.running:  # else the start was cut short by our own stop
                self.log.failure("the manager cannot start")
                self._give_up()
        else:
            self._ready = True
            self._when_ready()
            self._readiness.ready()
            self._manager.when_lost().addCallback(self._lost)

    def _lost(self, reason: FarmError) -> None:
        self.log.critical("the manager stops: {reason}", reason=reason)
        self._give_up()

    def _give_up(self) -> None:
        self.failed = True
        self._reactor.callWhenRunning(self._reactor.stop)
