"""Colours of a build log: what a terminal would show of a line, as runs of text with their classes.

Layer 5, pure. Tests: tests/unit/statuspage/test_ansi.py.

Only what sets colours and the like (SGR) has a meaning here; every other control character is shown
escaped, since it could hide or overwrite what stands before it. Nothing of this is HTML: templates
and scripts put the text into the page as text.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from buildfarm.vocab.text import shown

# Set colours, or erase up to the end of a line, where nothing follows: gcc writes both.
_SEQUENCE = re.compile("\x1b\\[(?:([0-9;:]{0,40})m|[0-2]?K)")

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_OFF = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("strike",),
}

#: Of 30, 90, 40, 100 and what follows: whether they are of the foreground, and the first colour.
_PALETTES = {3: (True, 0), 9: (True, 8), 4: (False, 0), 10: (False, 8)}

#: The least part of full brightness that lights a component, and that makes a colour a bright one.
_LIT, _BRIGHT = 0.4, 0.75


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style; `classes` are those of the style sheet, with spaces between."""

    classes: str
    text: str


@dataclass(frozen=True, slots=True)
class Style:
    """What is set at one place of a log; colours are 0 to 15, as terminals count them."""

    foreground: int | None = None
    background: int | None = None
    marks: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """The classes that show it; empty for plain text."""
        names = [f"a-{mark}" for mark in sorted(self.marks)]
        if self.foreground is not None:
            names.append(f"f{self.foreground}")
        if self.background is not None:
            names.append(f"b{self.background}")
        return " ".join(names)


PLAIN = Style()


def styled(line: str, style: Style = PLAIN) -> tuple[tuple[Run, ...], Style]:
    """The runs of one line that begins in `style`, and the style that it ends in."""
    runs: list[Run] = []
    position = 0
    for match in _SEQUENCE.finditer(line):
        _add(runs, style, line[position : match.start()])
        position = match.end()
        if match[1] is not None:
            style = _changed(style, match[1])
    _add(runs, style, line[position:])
    return tuple(runs), style


def _add(runs: list[Run], style: Style, text: str) -> None:
    if not text:
        return
    if runs and runs[-1].classes == style.classes:
        runs[-1] = Run(style.classes, runs[-1].text + shown(text))
    else:
        runs.append(Run(style.classes, shown(text)))


@lru_cache(maxsize=4096)
def _changed(style: Style, parameters: str) -> Style:
    """`style` after one sequence; what is not known in it changes nothing."""
    numbers = [int(part or "0") for part in re.split("[;:]", parameters)]
    while numbers:
        number = numbers.pop(0)
        if number in {38, 48}:
            colour = _extended(numbers)
            style = style if colour is None else _coloured(style, number == 38, colour)
        else:
            style = _set(style, number)
    return style


def _set(style: Style, number: int) -> Style:
    if number == 0:
        return PLAIN
    if number in {39, 49}:
        return _coloured(style, number == 39, None)
    if number in _ON:
        return replace(style, marks=style.marks | {_ON[number]})
    if number in _OFF:
        return replace(style, marks=style.marks.difference(_OFF[number]))
    ten, colour = divmod(number, 10)
    if ten not in _PALETTES or colour > 7:
        return style
    is_foreground, first = _PALETTES[ten]
    return _coloured(style, is_foreground, first + colour)


def _coloured(style: Style, is_foreground: bool, colour: int | None) -> Style:
    if is_foreground:
        return replace(style, foreground=colour)
    return replace(style, background=colour)


def _extended(numbers: list[int]) -> int | None:
    """The colour nearest to `5;N` or `2;R;G;B`, taken from the front of `numbers`."""
    kind = numbers.pop(0) if numbers else None
    if kind == 5 and numbers:
        return _of_256(numbers.pop(0))
    if kind == 2 and len(numbers) >= 3:
        red, green, blue = (min(numbers.pop(0), 255) / 255 for _ in range(3))
        return _nearest(red, green, blue)
    numbers.clear()  # whatever follows belongs to what is not understood
    return None


def _of_256(number: int) -> int | None:
    if number < 16:
        return number
    if number < 232:
        cube = number - 16
        return _nearest(cube // 36 / 5, cube // 6 % 6 / 5, cube % 6 / 5)
    if number < 256:
        grey = (number - 232) / 23
        return _nearest(grey, grey, grey)
    return None


def _nearest(red: float, green: float, blue: float) -> int:
    """One of the sixteen, by which components are lit, and how brightly."""
    most = max(red, green, blue)
    colour = sum(
        bit for bit, part in ((1, red), (2, green), (4, blue)) if part >= max(_LIT, most / 2)
    )
    if not colour:
        return 8 if most >= _LIT / 2 else 0
    return colour + 8 if most > _BRIGHT else colour
