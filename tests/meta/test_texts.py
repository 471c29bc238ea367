"""What no file of the tree may contain, be it code, text or configuration."""

import re
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT, files

#: Directories that exist on one machine only.
ONE_MACHINE = re.compile(r"(?<![\w.})*$])/(?:root|work|tmp/bash_jobs[\w.]*)/")

#: Addresses of registries and mirrors: whoever builds has their own.
REGISTRY = re.compile(
    r"pypi[.]org|pythonhosted[.]org|(?:deb|security|snapshot|ftp)[.]debian[.]org|--(?:extra-)?index-url"
)


def occurrences(pattern: re.Pattern[str]) -> list[str]:
    """Where `pattern` stands in the tree, binary files apart."""
    found = []
    for path in files():
        try:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return found


class TestTexts(FarmTestCase):
    def test_no_path_of_one_machine(self) -> None:
        """Nothing names a directory of the machine that it was written on."""
        self.assertEqual([], occurrences(ONE_MACHINE))
        self.assertEqual([], occurrences(re.compile(re.escape(f"{ROOT}/"))))

    def test_no_registry(self) -> None:
        """Nothing names a package index or a mirror."""
        self.assertEqual([], occurrences(REGISTRY))

    def test_licence(self) -> None:
        """The licence is there, and it is the one that the package names."""
        self.assertIn("MIT", Path(ROOT / "LICENSE").read_text(encoding="utf-8"))
        self.assertIn('license = "MIT"', Path(ROOT / "pyproject.toml").read_text(encoding="utf-8"))
