"""Rows of CSV."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.sheets import row


class RowTests(FarmTestCase):
    def test_plain(self) -> None:
        """Commas between, CR LF at the end; what is not known is empty."""
        self.assertEqual("1,hello,,-2\r\n", row([1, "hello", None, -2]))

    def test_quoted(self) -> None:
        """Commas, quotes and line ends are inside of quotes."""
        self.assertEqual(
            '"a,b","say ""hi""","two\nlines"\r\n', row(["a,b", 'say "hi"', "two\nlines"])
        )

    def test_formulas(self) -> None:
        """What a spreadsheet would calculate is a text."""
        for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
            self.assertTrue(row([text]).startswith("'"), text)

    def test_control_characters(self) -> None:
        """No control character gets through to whoever looks at it in a terminal."""
        self.assertEqual("\\x1b[2J\r\n", row(["\x1b[2J"]))

    @given(st.lists(st.text(), min_size=1))
    def test_read_again(self, texts: list[str]) -> None:
        """Python's reader finds as many cells in one row, whatever they hold."""
        rows = list(csv.reader(io.StringIO(row(["first", *texts]), newline="")))
        self.assertEqual([len(texts) + 1], [len(one) for one in rows])
