"""Layer 2: children that are used again.

A fork costs a few milliseconds of CPU, mostly for copies of shared pages; a job that is cheaper
than that is worth keeping its child for the next one. A child has one job at a time, and one whose
job ended badly is not used again: nothing of a bad job reaches the next.

All of this blocks and is for worker threads. Tests: tests/functional/flow/test_childpool.py.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from buildfarm.flow.forks import Child, ForkServer


class ChildPool:
    """Children that run `function` (as `ForkServer.start` takes it), lent out for one job each.

    `function` receives a job, answers, and receives the next, until its conversation ends. A child
    is replaced after `most_jobs`, so that what it leaks stays bounded.
    """

    def __init__(self, forks: ForkServer, function: str, most_jobs: int) -> None:
        self._forks = forks
        self._function = function
        self._most_jobs = most_jobs
        self._guard = threading.Lock()
        self._idle: list[tuple[Child, int]] = []
        self._stopped = False

    @contextmanager
    def lend(self) -> Iterator[Child]:
        """A child that waits for a job; it is killed, and waited for, if the `with` ends badly.

        Raises what `ForkServer.start` does.
        """
        with self._guard:
            child, jobs = self._idle.pop() if self._idle else (None, 0)
        if child is None:
            child = self._forks.start(self._function)
        try:
            yield child
        except BaseException:
            child.close()
            raise
        self._take_back(child, jobs + 1)

    def stop(self) -> None:
        """End the children that are idle, and those lent out when they come back."""
        with self._guard:
            self._stopped = True
            idle, self._idle = self._idle, []
        for child, _ in idle:
            child.close()

    def _take_back(self, child: Child, jobs: int) -> None:
        with self._guard:
            kept = jobs < self._most_jobs and not self._stopped
            if kept:
                self._idle.append((child, jobs))
        if not kept:
            child.close()
