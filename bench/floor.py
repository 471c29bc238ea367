"""The floor: an idle reactor with the probe, as late as the machine makes it: `bench.floor FILE`.

It writes its ticks to FILE as JSON when it is told to end by SIGTERM.
"""

import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed

from bench.probe import Probe

reactor: Any = installed


def main() -> None:
    probe = Probe(reactor)
    reactor.callWhenRunning(probe.start)
    reactor.run()
    Path(sys.argv[1]).write_text(json.dumps({"ticks": probe.ticks()}))


if __name__ == "__main__":
    main()
