"""Two small farms and a build that waits in them."""

from dataclasses import replace

from buildfarm.explaining.facts import Facts
from buildfarm.farmtesting.snapshots import (
    a_build,
    a_builder,
    a_file,
    a_standing,
    after,
    an_attempt,
    an_entry,
)
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.states import CleanStatus

NOW = after(100)

#: Bob has nothing to do, and nobody waits before the build.
IDLE = Facts(a_build(), entry=an_entry(), position=1, builders=(a_builder(),))

#: What bob builds since the beginning.
ORDER = BuildOrder(
    attempt=an_attempt(build_id=3),
    title="other 1.0 amd64 in main/bookworm",
    chroot=a_file("chroot"),
    files=(),
    args={},
    estimated_duration=300.0,
    standing=a_standing(build_id=3),
)

#: The build is the next, once bob is free.
BUSY = replace(IDLE, builders=(a_builder(clean_status=CleanStatus.DIRTY),), held={1: ORDER})
