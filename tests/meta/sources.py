"""The tree as the meta-tests read it: its files, and its Python modules parsed."""

import ast
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "buildfarm"

#: What is made by running things, and the history; everything else belongs to the tree.
_NOT_OURS = {".git", ".venv", ".venvs", "var", "build", "dist", "__pycache__"}
_NOT_OURS |= {".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}


@dataclass(frozen=True)
class Module:
    """One Python file; `path` is relative to the tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """Of a module of the library: the package of the layer table that it belongs to."""
        return self.path.parts[2] if len(self.path.parts) > 3 else ""

    @property
    def docstring(self) -> str:
        """The module's own docstring, empty without one."""
        return ast.get_docstring(self.tree) or ""

    def at(self, node: ast.AST) -> str:
        """Where `node` stands, as an editor understands it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Each thing imported, wherever in the file, by its full dotted name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node, f"{node.module}.{alias.name}"

    def references(self) -> Iterator[tuple[ast.AST, str]]:
        """Each dotted name in the code, in full: `now` of `from x import now` is `x.now`."""
        known = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                known.update({alias.asname: alias.name for alias in node.names if alias.asname})
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                first, dot, rest = ast.unparse(node).partition(".")
                yield node, known.get(first, first) + dot + rest


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file of the tree, relative to it."""
    found = []
    for directory, subdirectories, names in os.walk(ROOT):
        subdirectories[:] = [
            name
            for name in subdirectories
            if name not in _NOT_OURS and not name.endswith(".egg-info")
        ]
        found += [(Path(directory) / name).relative_to(ROOT) for name in names]
    return tuple(sorted(found))


@functools.cache
def modules(top: str) -> tuple[Module, ...]:
    """Every Python module below the directory `top`."""
    found = []
    for path in files():
        if path.parts[0] == top and path.suffix in {".py", ".tac"}:
            text = (ROOT / path).read_text(encoding="utf-8")
            found.append(Module(path, text, ast.parse(text, str(path))))
    return tuple(found)


def library() -> tuple[Module, ...]:
    """Every module under lib/."""
    return modules("lib")


def suite() -> tuple[Module, ...]:
    """Every module under tests/."""
    return modules("tests")
