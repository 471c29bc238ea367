"""Long work lets others have their turns."""

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.slices import SLICE, Slices


class SlicesTests(FarmTestCase):
    def test_rests_when_it_is_due(self) -> None:
        """Work goes on at once within its slice, and after one turn of the others beyond it."""
        slices = Slices(self.clock)
        self.successResultOf(slices.rest())
        self.clock.advance(SLICE)
        resting = ensureDeferred(slices.rest())
        self.assertNoResult(resting)
        self.clock.advance(0)
        self.successResultOf(resting)
        self.successResultOf(slices.rest())
