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
    from twisted.internet import epollreactor

    epollreactor.install()
    from twisted.internet import reactor as installed
    from twisted.logger import globalLogBeginner

    from buildfarm.assembly.daemon import Daemon
    from buildfarm.assembly.service import make_service
    from buildfarm.assembly.settings import load
    from buildfarm.flow.garbage import expect_long_life
    from buildfarm.flow.logfile import LogFile
    from buildfarm.flow.readiness import Readiness
    from buildfarm.flow.steadytime import run_on_steady_time

    reactor: Any = installed
    run_on_steady_time(reactor)
    settings = load(manager.config)
    log_file = LogFile()
    observer: Any = log_file
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    daemon = Daemon(
        reactor,
        make_service(reactor, settings),
        manager.config,
        log_file=log_file,
        readiness=Readiness(reactor, os.environ),
        when_ready=expect_long_life,
    )
    expect_long_life()
    reactor.callWhenRunning(daemon.startService)
    reactor.addSystemEventTrigger("before", "shutdown", daemon.stopService)
    reactor.run()
    sys.stderr.flush()
    return 1 if daemon.failed else 0
