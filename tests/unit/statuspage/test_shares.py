"""Places of which no address has all."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.shares import Shares


class SharesTests(FarmTestCase):
    def test_one_address(self) -> None:
        """It has three quarters at most; the others are for others, until there are no more."""
        shares = Shares(4)
        with shares.taken("a"), shares.taken("a"), shares.taken("a"):
            self.assertEqual((False, True), (shares.has_place("a"), shares.has_place("b")))
            with shares.taken("b"):
                self.assertFalse(shares.has_place("c"))
            self.assertTrue(shares.has_place("c"))
        self.assertTrue(shares.has_place("a"))
