"""docs/security.md promises nothing that no test shows."""

import ast
import re
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT

_NAMED = re.compile(r"`((?:unit|functional|contract|fuzz|meta)/[\w/]+\.py):(\w+)(?:\.(\w+))?`")


class TestSecurity(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = (ROOT / "docs" / "security.md").read_text()

    def test_tests_named_exist(self) -> None:
        """Each test that is named is in its file."""
        named = _NAMED.findall(self.text)
        self.assertLess(25, len(named))
        missing = [
            f"{path}:{owner}.{test}"
            for path, owner, test in named
            if not _has(ROOT / "tests" / path, owner, test)
        ]
        self.assertEqual([], missing)

    def test_every_cannot_names_a_test(self) -> None:
        """Whatever somebody cannot do, there is a test that tries it."""
        promises = re.findall(r"annot:\n\n((?:- .*\n)+)", self.text)
        self.assertLess(3, len(promises))
        unshown = [
            line for part in promises for line in part.splitlines() if not _NAMED.search(line)
        ]
        self.assertEqual([], unshown)


def _has(path: Path, owner: str, test: str) -> bool:
    """Whether `path` has a class `owner`, with a method `test` if one is named."""
    if not path.exists():
        return False
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            methods = {
                one.name
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            return not test or test in methods
    return False
