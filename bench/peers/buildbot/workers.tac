"""All of the peer's workers in one process, so that its master is measured alone."""

import os
from pathlib import Path

from buildbot_worker.bot import Worker
from twisted.application import service

host, port = os.environ["BENCH_CONNECT"].split(":")
application = service.Application("workers")
for number in range(int(os.environ["BENCH_WORKERS"])):
    directory = Path(os.environ["BENCH_DIRECTORY"], f"worker-{number}")
    directory.mkdir(exist_ok=True)
    Worker(
        host,
        int(port),
        f"worker-{number}",
        "bench",
        str(directory),
        keepalive=600,
        umask=None,
        maxdelay=2,
        allow_shutdown=None,
    ).setServiceParent(application)
