"""Fake daemons in a process of their own, so that they can be stopped and cut off from the farm.

    python -m buildfarm.farmtesting.daemonprocess ADDRESS COUNT SECONDS

Beside the layers; for tests/functional/faults. Prints the URL of each of COUNT builders, on which
a build takes SECONDS, and serves until it is killed.
"""

import sys
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor as installed

from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.farm import built_in
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder


def main(arguments: Sequence[str]) -> None:
    """Listen and serve."""
    address, count, seconds = arguments
    reactor: Any = installed
    for _ in range(int(count)):
        daemon = FakeDaemon(reactor, built_in(float(seconds)))
        print(SimulatedBuilder(daemon).listen(reactor, address), flush=True)  # noqa: T201 - asked
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
