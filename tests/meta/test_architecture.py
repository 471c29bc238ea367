"""What ARCHITECTURE.md and the other documents say is there, is there."""

import ast
import functools
import re

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT, files, library
from tests.meta.test_layers import BESIDE, LAYERS

ARCHITECTURE = "ARCHITECTURE.md"

#: `directory/file.py` or `directory/file.py:name`.
_CODE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.py)(?::([\w.]+))?`")

#: `tests/…` and `bench/…`, a directory or a file.
_PLACE = re.compile(r"`((?:tests|bench)/[\w/.-]+)`")

_LAYER = re.compile(r"^\| (\d|–) \| `(\w+)` \|", re.MULTILINE)

_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@functools.cache
def names_in(path: str) -> frozenset[str]:
    """The functions, classes, methods (`Class.method`) and constants of a module."""
    names = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        names |= _named(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for inner in node.body for name in _named(inner)}
    return frozenset(names)


def _named(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def where(path: str) -> str | None:
    """`path` from the tree's top: a module of the library, a unit test, or what it says itself."""
    places = (f"lib/buildfarm/{path}", f"tests/unit/{path}", path)
    return next((place for place in places if (ROOT / place).is_file()), None)


def documents() -> dict[str, str]:
    """The texts for people, by path."""
    return {
        str(path): (ROOT / path).read_text(encoding="utf-8")
        for path in files()
        if path.suffix == ".md"
    }


class TestArchitecture(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = (ROOT / ARCHITECTURE).read_text(encoding="utf-8")

    def test_code_named_exists(self) -> None:
        """Each `file:name` is a function, method, class or constant of that file."""
        wrong = [
            f"{path}:{name}"
            for path, name in _CODE.findall(self.text)
            if (found := where(path)) is None or (name and name not in names_in(found))
        ]
        self.assertEqual([], wrong)

    def test_tests_named_exist(self) -> None:
        """Where a promise is said to be shown, there is something."""
        self.assertEqual(
            [], [named for named in _PLACE.findall(self.text) if not (ROOT / named).exists()]
        )

    def test_layers(self) -> None:
        """The map has every package of the library and no other, with its layer."""
        mapped = {package: layer for layer, package in _LAYER.findall(self.text)}
        existing = {module.package for module in library() if module.package}
        self.assertEqual({name: _layer(name) for name in existing}, mapped)

    def test_checking_finds_what_is_missing(self) -> None:
        """The check itself: a name that is not in a file is not found there."""
        self.assertIn("Transactor.write", names_in("lib/buildfarm/storage/transactor.py"))
        self.assertIn("MAX_GROUP", names_in("lib/buildfarm/storage/transactor.py"))
        self.assertNotIn("write", names_in("lib/buildfarm/storage/transactor.py"))


class TestDocuments(FarmTestCase):
    def test_links(self) -> None:
        """Each relative link leads to a file of the tree."""
        wrong = [
            f"{path}: {target}"
            for path, text in documents().items()
            for target in _LINK.findall(text)
            if not (ROOT / path).parent.joinpath(target).exists()
        ]
        self.assertEqual([], wrong)

    def test_every_decision_is_listed(self) -> None:
        """The index of decisions has each of them once, under its own title."""
        index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
        listed = re.findall(r"^- \[(.+)\]\(([^)]+\.md)\)", index, re.MULTILINE)
        titles = {
            path.rpartition("/")[2]: text.splitlines()[0].removeprefix("# ")
            for path, text in documents().items()
            if path.startswith("docs/decisions/") and not path.endswith("README.md")
        }
        self.assertEqual(sorted(titles.items()), [(name, title) for title, name in listed])


def _layer(package: str) -> str:
    return "–" if package in BESIDE else str(LAYERS[package])
