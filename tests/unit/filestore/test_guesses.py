"""Counting wrong tokens by address."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.guesses import MAX_ADDRESSES, WINDOW, Guesses


class TestGuesses(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.guesses = Guesses(lambda: self.now)

    def test_counted_by_address_within_a_window(self) -> None:
        """Each address has its own count, which begins anew after the window."""
        self.assertEqual([1, 2, 3], [self.guesses.wrong("a") for _ in range(3)])
        self.assertEqual(1, self.guesses.wrong("b"))
        self.now = WINDOW
        self.assertEqual(1, self.guesses.wrong("a"))

    def test_bounded(self) -> None:
        """Any number of addresses takes no more memory than the bound; the oldest go first."""
        for number in range(MAX_ADDRESSES + 1):
            self.guesses.wrong(str(number))
        self.assertEqual(1, self.guesses.wrong("0"))
        self.assertEqual(2, self.guesses.wrong(str(MAX_ADDRESSES)))
