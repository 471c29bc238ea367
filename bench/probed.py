"""`buildd-manager`, probed: `python -m bench.probed REPORT ARGUMENT…`.

The command as it is installed, but that a timer ticks in the reactor of its service, and that the
acts that are written are counted. What was seen goes to REPORT as JSON when the command ends:
`ticks` as `bench.probe` describes them, `acts` as the moments at which each was asked for, by name.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.probe import Probe
from buildfarm.assembly import service
from buildfarm.commands.main import main as buildd_manager
from buildfarm.storage.transactor import Transactor


class ProbedManager:
    """Puts the probe where the service is made, and counts where acts are written."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._acts: dict[str, list[float]] = defaultdict(list)

    def install(self) -> None:
        make_service, write = service.make_service, Transactor.write

        def make_probed(reactor: Any, *args: Any, **kwargs: Any) -> service.FarmService:
            probe = Probe(reactor)
            reactor.callWhenRunning(probe.start)
            reactor.addSystemEventTrigger("after", "shutdown", self._write, probe)
            return make_service(reactor, *args, **kwargs)

        def counting(transactor: Transactor, act: Callable[..., Any], *args: Any, **kw: Any) -> Any:
            self._acts[act.__name__].append(time.monotonic())
            return write(transactor, act, *args, **kw)

        service.make_service = make_probed
        Transactor.write = counting  # type: ignore[method-assign, assignment]

    def _write(self, probe: Probe) -> None:
        self._report.write_text(json.dumps({"ticks": probe.ticks(), "acts": self._acts}))


def main() -> None:
    report = sys.argv.pop(1)
    ProbedManager(Path(report)).install()
    buildd_manager()


if __name__ == "__main__":
    main()
