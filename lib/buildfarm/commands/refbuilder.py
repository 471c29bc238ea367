"""`buildd-refbuilder`: a builder for trusted sources, in the foreground.

Layer 7. Tests: tests/functional/refbuilder/test_command.py.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click

_HELP = """Run one builder that speaks launchpad-buildd's protocol.

It builds with the dpkg tools of this machine as it is, unconfined: for trusted sources only. The
chroot is checked, but not entered; build-dependencies are looked for, but not installed.

It runs until SIGTERM or Ctrl-C and logs to standard error, there also the URL that it listens on.
"""


def _host_architecture() -> str:
    """This machine's architecture in Debian's words."""
    told = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


@click.command(help=_HELP)
@click.option("--name", required=True, help="The builder's name, for its logs.")
@click.option(
    "--listen",
    required=True,
    metavar="ENDPOINT",
    help="A Twisted endpoint, such as tcp:8221:interface=127.0.0.1; port 0 is any free one.",
)
@click.option(
    "--workdir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A directory of this builder's own; made where there is none.",
)
@click.option("--arch", help="Its Debian architecture; this machine's by default.")
@click.option(
    "--backend",
    type=click.Choice(["dpkg"]),
    default="dpkg",
    show_default=True,
    expose_value=False,
    help="What builds; there is this one.",
)
def main(name: str, listen: str, workdir: Path, arch: str | None) -> None:
    """Run a reference builder; exit status 1 where it cannot start."""
    from twisted.internet import epollreactor

    epollreactor.install()
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.logger import Logger, globalLogBeginner

    from buildfarm.flow.logfile import LogFile
    from buildfarm.flow.steadytime import run_on_steady_time
    from buildfarm.refbuilder.service import RefBuilder

    reactor: Any = installed
    run_on_steady_time(reactor)
    observer: Any = LogFile(None)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    log = Logger("buildd-refbuilder")
    builder = RefBuilder(reactor, name, workdir, arch or _host_architecture())
    failures: list[object] = []

    async def start() -> None:
        port: Any = await builder.start(listen)
        address = port.getHost()
        log.info(
            "{name} listening at {url}", name=name, url=f"http://{address.host}:{address.port}"
        )

    def cannot_start(failure: Any) -> None:
        failures.append(failure)
        log.error("{name} cannot start: {why}", name=name, why=failure.getErrorMessage())
        reactor.stop()

    def begin() -> None:
        Deferred.fromCoroutine(start()).addErrback(cannot_start)

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(builder.stop())
    )
    reactor.run()
    sys.exit(1 if failures else 0)
