"""What commands print into pipes and onto terminals."""

import io
import json
import re
import sys
from collections.abc import Callable

import fixtures

from buildfarm.console.tables import print_fields, print_json, print_lines, print_table, words
from buildfarm.farmtesting.cases import FarmTestCase


class _Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class OutputCase(FarmTestCase):
    def printed(self, printing: Callable[[], None], output: io.StringIO | None = None) -> str:
        """What `printing` writes to standard output: a pipe unless said otherwise."""
        output = output or io.StringIO()
        self.patch(sys, "stdout", output)
        printing()
        return output.getvalue()


class TestWords(FarmTestCase):
    def test_words(self) -> None:
        """Fields as people read them; what is missing is a dash."""
        for value, expected in (
            (None, "-"),
            ("", "-"),
            ([], "-"),
            (True, "yes"),
            (False, "no"),
            (0, "0"),
            (["a", "b"], "a b"),
            ("\x1b[2Jx", "\\x1b[2Jx"),
            (["\x07"], "\\x07"),
        ):
            self.assertEqual(expected, words(value))


class TestPipe(OutputCase):
    def test_table(self) -> None:
        """Plain columns, as wide as what stands in them, nothing cut off."""
        long = "x" * 500
        printed = self.printed(lambda: print_table(("NAME", "URL"), (("bob", long), ("al", None))))
        self.assertEqual(f"NAME  URL\nbob   {long}\nal    -\n", printed)

    def test_table_of_nothing(self) -> None:
        """Only the headings."""
        self.assertEqual("A  B\n", self.printed(lambda: print_table(("A", "B"), ())))

    def test_one_row_a_line(self) -> None:
        """A field of several lines stays in its row; control characters are escaped."""
        printed = self.printed(lambda: print_table(("A",), (("one\ntwo\x1b[31m",),)))
        self.assertEqual("A\none two\\x1b[31m\n", printed)

    def test_markup_is_text(self) -> None:
        """Square brackets mean nothing."""
        for output in (io.StringIO(), _Terminal()):
            printed = self.printed(lambda: print_table(("A",), (("[red]x[/red]",),)), output)
            self.assertIn("[red]x[/red]", printed)

    def test_fields(self) -> None:
        """Names and values, one below the other."""
        printed = self.printed(lambda: print_fields({"name": "bob", "processors": ["amd64"]}))
        self.assertEqual("name        bob\nprocessors  amd64\n", printed)

    def test_lines(self) -> None:
        """Sentences are escaped."""
        self.assertEqual("a\\x00b\n", self.printed(lambda: print_lines(["a\x00b"])))

    def test_json(self) -> None:
        """JSON is ASCII, so that no terminal and no locale can spoil it."""
        printed = self.printed(lambda: print_json([{"name": "ä\x9b"}]))
        self.assertTrue(printed.isascii())
        self.assertEqual([{"name": "ä\x9b"}], json.loads(printed))


class TestTerminal(OutputCase):
    def test_table_fits(self) -> None:
        """A table keeps within the terminal; long fields are folded, not cut."""
        self.useFixture(fixtures.EnvironmentVariable("COLUMNS", "40"))
        long = "".join(chr(97 + n % 26) for n in range(100))
        printed = self.printed(lambda: print_table(("NAME", "URL"), (("bob", long),)), _Terminal())
        lines = re.sub("\x1b\\[[0-9;]*m", "", printed).splitlines()
        self.assertTrue(all(len(line) <= 40 for line in lines), printed)
        self.assertIn(long, "".join("".join(lines).split()))
