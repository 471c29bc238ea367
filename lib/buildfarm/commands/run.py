"""`buildd-manager run`: the daemon in the foreground.

Layer 7. Tests: tests/functional/commands.
"""

import os
import sys
from typing import Any

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import pass_manager


@click.command()
@pass_manager
def run(manager: Manager) -> int:
    """Run the manager in the foreground until SIGTERM or Ctrl-C; its log goes to standard error."""
    from twisted.internet import epollreactor  # noqa: PLC0415 - only this command runs a reactor

    epollreactor.install()
    from twisted.internet import reactor as installed  # noqa: PLC0415
    from twisted.logger import globalLogBeginner  # noqa: PLC0415

    from buildfarm.assembly.daemon import Daemon  # noqa: PLC0415
    from buildfarm.assembly.service import make_service  # noqa: PLC0415
    from buildfarm.assembly.settings import load  # noqa: PLC0415
    from buildfarm.flow.logfile import LogFile  # noqa: PLC0415
    from buildfarm.flow.readiness import Readiness  # noqa: PLC0415

    reactor: Any = installed
    settings = load(manager.config)
    log_file = LogFile(None)
    globalLogBeginner.beginLoggingTo([log_file], redirectStandardIO=False)
    daemon = Daemon(
        reactor,
        make_service(reactor, settings),
        manager.config,
        log_file=log_file,
        readiness=Readiness(reactor, os.environ),
    )
    reactor.callWhenRunning(daemon.startService)
    reactor.addSystemEventTrigger("before", "shutdown", daemon.stopService)
    reactor.run()
    sys.stderr.flush()
    return 1 if daemon.failed else 0
