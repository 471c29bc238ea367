"""Colours of a build log."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.ansi import PLAIN, Run, Style, styled
from buildfarm.vocab.text import shown

_CLASS = re.compile("[fb](?:[0-9]|1[0-5])|a-(?:bold|dim|italic|underline|inverse|strike)")

#: Lines with many sequences, whole and broken, and whatever else there is.
LINES = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.lists(st.integers(0, 300), max_size=6).map(
            lambda numbers: f"\x1b[{';'.join(map(str, numbers))}m"
        ),
        st.sampled_from(
            ["\x1b", "\x1b[", "\x1b[K", "\x1b[2J", "\x1b]0;title\x07", "<b>", "\x9b1m"]
        ),
    ),
    max_size=12,
).map("".join)


class StyledTests(FarmTestCase):
    def runs(self, line: str) -> list[tuple[str, str]]:
        return [(run.classes, run.text) for run in styled(line)[0]]

    def test_plain(self) -> None:
        """A line without sequences is one run; an empty one is none."""
        self.assertEqual([("", "make all")], self.runs("make all"))
        self.assertEqual([], self.runs(""))

    def test_colours(self) -> None:
        """What gcc writes: bold magenta, then plain again; erasing what follows is nothing."""
        line = "\x1b[01;35m\x1b[Kwarning: \x1b[m\x1b[Kunused"
        self.assertEqual([("a-bold f5", "warning: "), ("", "unused")], self.runs(line))

    def test_every_kind(self) -> None:
        """Sixteen colours before and behind, six marks, and what takes each away."""
        self.assertEqual([("f1 b4", "x")], self.runs("\x1b[31;44mx"))
        self.assertEqual([("f9 b12", "x")], self.runs("\x1b[91;104mx"))
        marks = "a-bold a-dim a-inverse a-italic a-strike a-underline"
        self.assertEqual([(marks, "x")], self.runs("\x1b[1;2;3;4;7;9mx"))
        self.assertEqual([("", "x")], self.runs("\x1b[1;2;3;4;7;9;31;41;22;23;24;27;29;39;49mx"))

    def test_more_colours_than_sixteen(self) -> None:
        """Of more colours the nearest of the sixteen is taken."""
        near = {
            "38;5;3": "f3",
            "38;5;196": "f9",
            "38;5;28": "f2",
            "38;5;244": "f7",
            "38;5;232": "f0",
            "38;2;0;0;255": "f12",
            "48;2;255;255;255": "b15",
            "38:5:12": "f12",
        }
        self.assertEqual(near, {one: self.runs(f"\x1b[{one}mx")[0][0] for one in near})

    def test_unknown_numbers(self) -> None:
        """What nobody knows changes nothing, and neither does what is cut off."""
        for unknown in ("99", "38", "38;5", "38;2;1", "38;5;999", "38;9", "55"):
            self.assertEqual([("", "x")], self.runs(f"\x1b[{unknown}mx"))

    def test_from_line_to_line(self) -> None:
        """A colour that a line does not end goes on in the next."""
        _, style = styled("\x1b[32mgreen")
        self.assertEqual(Style(foreground=2), style)
        self.assertEqual(((Run("f2", "still"),), style), styled("still", style))

    def test_what_is_dangerous(self) -> None:
        """What would move the cursor, set a title or hide text is shown, escaped."""
        line = "a\x1b[2Jb\x1b]0;c\x07\x08\x9b31md"
        self.assertEqual([("", "a\\x1b[2Jb\\x1b]0;c\\x07\\x08\\x9b31md")], self.runs(line))

    @given(LINES)
    def test_text_is_shown_whole(self, line: str) -> None:
        """Whatever a line holds, all of it but its colours is there, made safe."""
        runs, _ = styled(line)
        text = "".join(run.text for run in runs)
        self.assertEqual(shown(text), text)
        parts = re.split("\x1b\\[(?:[0-9;:]{0,40}m|[0-2]?K)", line)
        self.assertEqual("".join(map(shown, parts)), text)

    @given(LINES)
    def test_classes_are_ours(self, line: str) -> None:
        """No text of a log becomes a class, and runs that follow each other differ."""
        runs, style = styled(line)
        for classes in [*(run.classes for run in runs), style.classes]:
            self.assertTrue(all(_CLASS.fullmatch(name) for name in classes.split()), classes)
        for one, other in pairwise(runs):
            self.assertNotEqual(one.classes, other.classes)

    @given(LINES, LINES)
    def test_cut_anywhere(self, first: str, second: str) -> None:
        """Two lines one after the other end as one line would that holds both."""
        if _splits_a_sequence(first, second):
            return
        _, between = styled(first, PLAIN)
        self.assertEqual(styled(first + second)[1], styled(second, between)[1])


def _splits_a_sequence(first: str, second: str) -> bool:
    """Whether a sequence begins in `first` and ends in `second`."""
    at = len(first)
    found = re.finditer("\x1b\\[(?:[0-9;:]{0,40}m|[0-2]?K)", first + second)
    return any(one.start() < at < one.end() for one in found)
