"""Real signals into a process that waits in `flock`."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase

#: Counts SIGUSR1 in a handler that raises InterruptedError, as a C library's caller would see it.
_WAITER = """
import fcntl, signal, sys
from buildfarm.flow.eintr import retrying_eintr

count = 0

def interrupt(number, frame):
    global count
    count += 1
    sys.stdout.write(".")
    sys.stdout.flush()
    raise InterruptedError

with open(sys.argv[1]) as file:
    signal.signal(signal.SIGUSR1, interrupt)
    sys.stdout.write("ready ")
    sys.stdout.flush()
    retrying_eintr(fcntl.flock, file, fcntl.LOCK_EX)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    print(f"locked after {count}")
"""


def is_waiting_for_lock(pid: int) -> bool:
    """Whether the kernel lists `pid` as blocked in a lock: `1: -> FLOCK ADVISORY WRITE <pid> …`."""
    rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(row[1] == "->" and row[5] == str(pid) for row in rows)


def start_waiter(path: Path) -> subprocess.Popen[str]:
    """A process that waits for the lock on `path`."""
    return subprocess.Popen(
        [sys.executable, "-c", _WAITER, str(path)], stdout=subprocess.PIPE, text=True
    )


class FlockTests(FarmTestCase):
    """A process that is signalled again and again while it waits for a lock."""

    async def test_signals_while_waiting(self) -> None:
        """Ten signals end no wait; the lock is got once it is free."""
        path = self.make_directory() / "lock"
        path.touch()
        held = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        waiter = start_waiter(path)
        assert waiter.stdout is not None
        self.addCleanup(waiter.stdout.close)
        self.addCleanup(waiter.wait)
        self.addCleanup(waiter.kill)
        self.assertEqual("ready ", waiter.stdout.read(6))
        for _ in range(10):
            await self.wait_until(lambda: is_waiting_for_lock(waiter.pid))
            waiter.send_signal(signal.SIGUSR1)
            self.assertEqual(".", waiter.stdout.read(1))
        fcntl.flock(held, fcntl.LOCK_UN)
        self.assertEqual("locked after 10\n", waiter.stdout.read())
