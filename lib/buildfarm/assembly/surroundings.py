"""What a manager is given by the machine that it runs on, beside its reactor and its clock.

Layer 6; used by `assembly.service`. By default all of it is the real thing. The simulation
(`buildfarm.simulation`) gives its own, so that the same manager, wired by the same function, runs
on threads, a database and upload children that come from a seed.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.threads import blockingCallFromThread

from buildfarm.depwait.stage import LookAt
from buildfarm.flow.forks import ForkServer
from buildfarm.flow.threads import Crew, ThreadCrew
from buildfarm.storage.database import Database


def _open_database(uri: str) -> Database:
    """The database of a manager, which nobody else may change meanwhile."""
    return Database(uri, exclusive=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the machine that decide when things happen, or what comes of chance.

    `open_database` opens what a URI names. `make_crew(size, name)` gives the threads of one pool,
    and `wait_in_thread(reactor, call)` is how one of them waits for the reactor. `start_forks`
    starts the fork server of the upload children. `cpu_clock` gives the seconds of CPU that this
    thread has used; `spread` numbers in 0 … 1 that keep retries apart. `look_at` looks at package
    indexes; None: a child does.
    """

    open_database: Callable[[str], Database] = _open_database
    make_crew: Callable[[int, str], Crew] = ThreadCrew
    wait_in_thread: Callable[..., Any] = blockingCallFromThread
    start_forks: Callable[[tuple[str, ...]], ForkServer] = ForkServer
    cpu_clock: Callable[[], float] = time.thread_time
    spread: Callable[[], float] = random.random
    look_at: LookAt | None = None


#: A real machine.
REAL = Surroundings()
