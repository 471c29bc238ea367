"""What a run leaves behind to be judged by.

Beside the layers. Tests: tests/unit/simulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from buildfarm.simulation.archives import Delivery
from buildfarm.simulation.machines import Run
from buildfarm.simulation.plan import Fault, Plan
from buildfarm.simulation.world import Entry
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot, EventSnapshot
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import Culprit

#: Seconds for which what a fault has led to may still go on after its end: calls time out, failures
#: are counted, resets are tried again.
AFTERMATH = 90.0


@dataclass(frozen=True)
class Story:
    """All that a run leaves.

    `events`, `builds`, `attempts`, `builders` and `waiting` (the builds with a queue entry) are the
    database's; `runs` are the daemons', `deliveries` the archives' by their names, `entries` the
    world's. `times` are the world's times of the events, whose own are the wall clock's. `mistakes`
    are errors that the manager logged as none of its own kinds. `seconds` is when it was over,
    `ended` whether everything had ended by then.
    """

    plan: Plan
    ended: bool
    seconds: float
    events: tuple[EventSnapshot, ...]
    builds: tuple[BuildSnapshot, ...]
    attempts: tuple[AttemptSnapshot, ...]
    builders: tuple[BuilderSnapshot, ...]
    waiting: tuple[int, ...]
    runs: tuple[Run, ...]
    deliveries: Mapping[str, tuple[Delivery, ...]]
    entries: tuple[Entry, ...]
    times: tuple[float, ...]
    mistakes: tuple[str, ...]

    def digest(self) -> str:
        """The SHA-256 of everything that happened: the same for the same run."""
        told = [*map(repr, self.events), *map(repr, self.entries), repr(self.deliveries)]
        return sha256("\n".join(told).encode()).hexdigest()

    @cached_property
    def attempts_by_cookie(self) -> dict[str, AttemptSnapshot]:
        """The database's side of each attempt."""
        return {attempt.cookie: attempt for attempt in self.attempts}

    @cached_property
    def runs_by_cookie(self) -> dict[str, Run]:
        """The daemon's side of each attempt that a daemon really began."""
        return {run.cookie: run for run in self.runs}

    @cached_property
    def attempts_by_build(self) -> dict[int, list[AttemptSnapshot]]:
        """Each build's attempts, in their order."""
        found: dict[int, list[AttemptSnapshot]] = {build.id: [] for build in self.builds}
        for attempt in self.attempts:
            found[attempt.build_id].append(attempt)
        return found

    def excuses(self, builder: str, begin: float, end: float) -> list[Fault]:
        """The faults of this builder, or of its network, that may show between two moments."""
        return [
            fault
            for fault in self.faults_by_builder.get(builder, ())
            if fault.time <= end and begin <= fault.time + fault.seconds + AFTERMATH
        ]

    @cached_property
    def faults_by_builder(self) -> dict[str, list[Fault]]:
        """The faults that befell each builder or its network."""
        found: dict[str, list[Fault]] = {}
        for fault in self.plan.faults:
            for name in self.plan.befallen(fault):
                found.setdefault(name, []).append(fault)
        return found

    def ever_faulty(self, builder: str) -> bool:
        """Whether a fault of the builder's own, not only of its network, befell it."""
        own = (fault.kind.culprit for fault in self.faults_by_builder.get(builder, ()))
        return Culprit.BUILDER in own
