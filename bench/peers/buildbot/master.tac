"""The peer's master, in this process."""

import os

from buildbot.master import BuildMaster
from twisted.application import service

application = service.Application("master")
master = BuildMaster(os.environ["BENCH_DIRECTORY"], os.environ["BENCH_CONFIG"])
master.setServiceParent(application)
