"""`buildd-manager run` with a signal that hits the process at a chosen step.

    python -m buildfarm.farmtesting.managerprocess CONFIG STEP COUNT SIGNAL

Beside the layers; for tests/functional/restarts. When the step named STEP is reached for the
COUNT-th time the process sends SIGNAL to itself, and to itself only: its children live on.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial

from buildfarm.assembly import service
from buildfarm.commands.main import main as run_command_line


class Trap:
    """A checkpoint that sends `number` to this process at the `count`-th `step`."""

    def __init__(self, step: str, count: int, number: signal.Signals) -> None:
        self._step = step
        self._left = count
        self._signal = number
        self._guard = threading.Lock()  # steps of uploads are reached in threads

    def __call__(self, name: str) -> None:
        """The step `name` has been reached."""
        if name != self._step:
            return
        with self._guard:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)


def main(arguments: Sequence[str]) -> None:
    """Run the manager and exit as it does; its log goes to standard error."""
    config, step, count, name = arguments
    trap = Trap(step, int(count), signal.Signals[name])
    service.make_service = partial(service.make_service, checkpoint=trap)
    run_command_line(["--config", config, "run"])


if __name__ == "__main__":
    main(sys.argv[1:])
