"""Run the benchmarks, or those that are named: `python -m bench [NAME]…`.

Prints a table and writes var/bench/results.json. A figure that is not reached is reported as it
is; only a benchmark that could not be run makes this fail.
"""

import signal
import sys
from pathlib import Path

from rich.console import Console

from bench import build, gather, latency, queue, restart, scan, soak, stall, web
from bench.figures import show, write

BENCHMARKS = {
    "scan": scan.figures,
    "build": build.figures,
    "latency": latency.figures,
    "stall": stall.figures,
    "gather": gather.figures,
    "queue": queue.figures,
    "restart": restart.figures,
    "web": web.figures,
    "soak": soak.figures,
}

RESULTS = Path(__file__).parents[1] / "var" / "bench" / "results.json"


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.")
    # Ends what was started, as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console()
    found = []
    for name in names:
        console.print(f"Measuring {name} …")
        found += BENCHMARKS[name]()
    show(found, console)
    write(found, RESULTS)
    console.print(f"Written to {RESULTS}.")


if __name__ == "__main__":
    main()
