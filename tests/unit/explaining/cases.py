"""Two small farms and a build that waits in them."""

from dataclasses import replace

from buildfarm.explaining.facts import Facts
from buildfarm.farmtesting.snapshots import (
    a_build,
    a_builder,
    after,
    an_entry,
)
from buildfarm.vocab.build import Holding
from buildfarm.vocab.states import CleanStatus

NOW = after(100)

#: Bob has nothing to do, and nobody waits before the build.
IDLE = Facts(a_build(), entry=an_entry(), position=1, builders=(a_builder(),))

#: What bob builds since the beginning.
HELD = Holding(
    build_id=3,
    title="other 1.0 amd64 in main/bookworm",
    archive="main",
    private=False,
    estimated_duration=300.0,
    since=after(0),
)

#: The build is the next, once bob is free.
BUSY = replace(IDLE, builders=(a_builder(clean_status=CleanStatus.DIRTY),), held={1: HELD})
