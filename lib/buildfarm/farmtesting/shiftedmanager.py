"""`buildd-manager run` on a wall clock that a test sets while it runs.

    python -m buildfarm.farmtesting.shiftedmanager CONFIG FILE

Beside the layers; for tests/functional/faults. FILE holds the seconds by which the clock is off.
Whatever reads the wall clock in this process is shown that time, Twisted included; steady time and
other processes are not touched.
"""

import sys
import time
from collections.abc import Sequence
from datetime import datetime, tzinfo
from importlib import import_module
from pathlib import Path

from buildfarm.assembly import walltime


def set_clock(file: Path) -> None:
    """Have the wall clock off by what `file` says, from now on; before Twisted is imported."""
    true_time = time.time

    def shifted() -> float:
        return true_time() + float(file.read_text() or 0)

    class Shifted(datetime):
        """A datetime whose `now` is by that clock."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            """The time that the clock shows."""
            return datetime.fromtimestamp(shifted(), tz)

    time.time = shifted
    vars(walltime)["datetime"] = Shifted


def main(arguments: Sequence[str]) -> None:
    """Run the manager and exit as it does; its log goes to standard error."""
    config, file = arguments
    set_clock(Path(file))
    # What is imported from here on binds the clock that was set.
    run_command_line = import_module("buildfarm.commands.main").main
    run_command_line(["--config", config, "run"])


if __name__ == "__main__":
    main(sys.argv[1:])
