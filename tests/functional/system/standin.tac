"""In place of the real daemon: a manager without a farm, run in the same way.

It appends to the file that STANDIN_NOTES names what happens to it. While a file `refuse` stands
beside it, the manager refuses to start; while `linger` does, it never ends stopping.
"""

import os
from pathlib import Path

from twisted.application.service import Application, Service
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import ILogObserver

from buildfarm.assembly.daemon import Daemon
from buildfarm.assembly.settings import VARIABLE
from buildfarm.flow.logfile import LogFile
from buildfarm.flow.readiness import Readiness
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import Settings

notes = Path(os.environ["STANDIN_NOTES"])


def note(text: str) -> None:
    """Append a line to the notes."""
    with notes.open("a") as stream:
        stream.write(f"{text}\n")


class StandIn(Service):
    """A manager that keeps no farm busy."""

    def when_running(self) -> Deferred[None]:
        """Started at once, or refused."""
        if notes.with_name("refuse").exists():
            return fail(Refused("Another manager runs here."))
        note(f"running with {type(reactor).__name__}")
        return succeed(None)

    def reload(self, settings: Settings) -> None:
        """Note a setting."""
        note(f"cpu_share is {settings.scanning.cpu_share}")

    def stopService(self) -> Deferred[None]:
        """Stop, or never."""
        super().stopService()
        note("stopping")
        return Deferred() if notes.with_name("linger").exists() else succeed(None)


log_file = LogFile(Path(os.environ["BUILDD_MANAGER_LOG"]))
application = Application("buildd-manager")
application.setComponent(ILogObserver, log_file)
Daemon(
    reactor,
    StandIn(),
    Path(os.environ[VARIABLE]),
    log_file=log_file,
    readiness=Readiness(reactor, os.environ),
    when_ready=lambda: note("ready"),
).setServiceParent(application)
