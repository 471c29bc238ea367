"""The table of hostile builders, and the page that people read."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.hostile.behaviour import Judged
from buildfarm.farmtesting.hostile.page import page
from buildfarm.farmtesting.hostile.table import BEHAVIOURS, SINGLE
from buildfarm.farmtesting.hostile.wrongtypes import FIELDS, TYPES, WRONG_TYPES

PAGE = Path(__file__).parents[3] / "docs/hostile-builders.md"


class TableTests(FarmTestCase):
    def test_names(self) -> None:
        """Each behaviour has a name of its own."""
        self.assertEqual(len(SINGLE) + len(WRONG_TYPES), len(BEHAVIOURS))

    def test_verdicts(self) -> None:
        """Who is blamed is told why; where nobody is, nothing is told."""
        for behaviour in BEHAVIOURS.values():
            self.assertEqual(behaviour.judged is Judged.NOBODY, not behaviour.told, behaviour.name)

    def test_types(self) -> None:
        """No field is without types that it must not have, and no pair is left out."""
        pairs = {f"wrong-type:{f.method}.{f.name}:{kind}" for f in FIELDS for kind in TYPES}
        right = {f"wrong-type:{f.method}.{f.name}:{kind}" for f in FIELDS for kind in f.takes}
        self.assertEqual(pairs - right, {behaviour.name for behaviour in WRONG_TYPES})

    def test_page(self) -> None:
        """The page says what the table says."""
        self.assertEqual(
            page(), PAGE.read_text(encoding="utf-8"), "make it again: see hostile.page"
        )
