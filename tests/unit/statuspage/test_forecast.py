"""When the builds on a page of the queue will start."""

from dataclasses import replace
from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.statuspage.forecast import starts
from buildfarm.storage.queuepages import QueuedBuild, QueuePage
from buildfarm.vocab.build import Requirement
from buildfarm.vocab.glance import GlancedBuilder, Job
from buildfarm.vocab.states import BuildState, CleanStatus

AMD64, ARM64 = Requirement(1, "amd64", False), Requirement(2, "arm64", False)
BOB = GlancedBuilder(
    1, "bob", ("amd64",), False, False, True, None, 0, CleanStatus.CLEAN, BEGINNING
)


def page(*builders: GlancedBuilder, before: dict[int, float] | None = None) -> QueuePage:
    """Two builds for amd64 and one for arm64, of 100 s each."""
    lines = tuple(QueuedBuild(asked, 0, 100.0, None) for asked in (AMD64, AMD64, ARM64))
    return QueuePage(BEGINNING, 1, lines, before or {}, 3, 0, builders, (AMD64, ARM64))


class StartsTests(FarmTestCase):
    def test_one_after_the_other(self) -> None:
        """With one idle builder each waits for those before it; without one it never starts."""
        self.assertEqual([0.0, 100.0, None], starts(page(BOB)))

    def test_builders_share_the_work(self) -> None:
        """Those that take builds by themselves."""
        others = [replace(BOB, manual=True), replace(BOB, builderok=False)]
        self.assertEqual([0.0, 50.0, None], starts(page(BOB, BOB, *others)))

    def test_earlier_pages_count(self) -> None:
        """So does what runs: the first builder to be free decides."""
        job = Job(BEGINNING - timedelta(seconds=40), BuildState.BUILDING, 60.0)
        busy = replace(BOB, job=job)
        self.assertEqual([1020.0, 1120.0, None], starts(page(busy, before={1: 1000.0})))
