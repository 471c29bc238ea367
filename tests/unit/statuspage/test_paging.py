"""Lists in pages."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.paging import MOST, SIZE, address, page_number, part


class PagingTests(FarmTestCase):
    def test_parts(self) -> None:
        """The lines of one page, and where they are in the list; beyond the end, the last page."""
        lines = range(2 * SIZE + 5)
        second = part(lines, 2)
        self.assertEqual((SIZE + 1, 2 * SIZE, 3), (second.first, second.last, second.pages))
        last = part(lines, 99)
        self.assertEqual((3, 5, 2 * SIZE + 1), (last.number, len(last.items), last.first))
        empty = part([], 1)
        self.assertEqual((1, 1, 0, 0), (empty.number, empty.pages, empty.first, empty.last))

    def test_numbers_in_addresses(self) -> None:
        """What is no number, or none that could be, is the first page."""
        cases = {"7": 7, "": 1, "0": 1, "-3": 1, "x": 1, "\u0663": 1, "9" * 50: 1, "99999": MOST}
        for text, number in cases.items():
            self.assertEqual(number, page_number({"page": text}), text)
        self.assertEqual(1, page_number({}))

    def test_addresses(self) -> None:
        """Only what says something is in them."""
        self.assertEqual(
            "/?state=reset+failing&page=2", address("/", state="reset failing", name="", page=2)
        )
        self.assertEqual("/", address("/", state=""))
