"""The daemon for twistd: reads the settings and parents the services.

    BUILDD_MANAGER_CONFIG=FILE twistd --reactor=epoll --python=buildd-manager.tac

BUILDD_MANAGER_LOG names the log file; without it the log goes to standard error.
"""

import os
from pathlib import Path

from twisted.application.service import Application
from twisted.internet import reactor
from twisted.logger import ILogObserver

from buildfarm.assembly.daemon import Daemon
from buildfarm.assembly.service import make_service
from buildfarm.assembly.settings import VARIABLE, load
from buildfarm.flow.garbage import expect_long_life
from buildfarm.flow.logfile import LogFile
from buildfarm.flow.readiness import Readiness
from buildfarm.flow.steadytime import run_on_steady_time
from buildfarm.vocab.settings import UMASK

os.umask(UMASK)
run_on_steady_time(reactor)
expect_long_life()
config = Path(os.environ[VARIABLE])
log_name = os.environ.get("BUILDD_MANAGER_LOG")
log_file = LogFile(Path(log_name) if log_name else None)

application = Application("buildd-manager")
application.setComponent(ILogObserver, log_file)
Daemon(
    reactor,
    make_service(reactor, load(config)),
    config,
    log_file=log_file,
    readiness=Readiness(reactor, os.environ),
    when_ready=expect_long_life,
).setServiceParent(application)
