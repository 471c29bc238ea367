"""The layer table of ARCHITECTURE.md, held against what is really imported."""

import sys

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import PACKAGE, Module, library, modules

#: A package imports from lower numbers only, and never from another of its own number.
LAYERS = {
    "vocab": 0,
    "verdicts": 1,
    "wire": 1,
    "console": 1,
    "metrics": 1,
    "flow": 2,
    "storage": 3,
    "builders": 3,
    "filestore": 3,
    "uploads": 3,
    "liveness": 3,
    "intake": 4,
    "scanning": 4,
    "uploading": 4,
    "identity": 4,
    "retention": 4,
    "explaining": 4,
    "notifying": 4,
    "depwait": 4,
    "statuspage": 5,
    "webservice": 5,
    "monitoring": 5,
    "admin": 5,
    "assembly": 6,
    "commands": 7,
    "scripts": 7,
}

#: Beside the layers: what each may import of the rest.
BESIDE = {
    "refbuilder": {"vocab", "wire", "flow"},
    "farmtesting": {*LAYERS, "refbuilder"},
    "simulation": {*LAYERS, "farmtesting"},
}

#: Decisions and words: no library but Python's own, and of that nothing that does I/O.
PURE = {"vocab", "verdicts"}
IMPURE = {"asyncio", "http", "os", "select", "socket", "subprocess", "threading", "time", "urllib"}


def may_import(importer: str, imported: str) -> bool:
    """Whether the package `importer` may import from the package `imported`."""
    if importer == imported:
        return True
    if importer in BESIDE:
        return imported in BESIDE[importer]
    if imported == "refbuilder":
        return importer == "commands"
    return imported in LAYERS and LAYERS[imported] < LAYERS[importer]


def packages_imported(module: Module) -> dict[str, str]:
    """The packages of the library that `module` imports from, each with the place."""
    return {
        name.split(".")[1]: module.at(node)
        for node, name in module.imports()
        if name.startswith(f"{PACKAGE}.")
    }


class TestLayers(FarmTestCase):
    def test_every_package_has_a_layer(self) -> None:
        """No package of the library is missing from the table."""
        packages = {module.package for module in library() if module.package}
        self.assertEqual(set(), packages - LAYERS.keys() - BESIDE.keys())

    def test_imports_go_down(self) -> None:
        """No package imports from its own layer or from a higher one."""
        wrong = [
            f"{place}: {module.package} imports {package}"
            for module in library()
            if module.package
            for package, place in packages_imported(module).items()
            if not may_import(module.package, package)
        ]
        self.assertEqual([], wrong)

    def test_the_rest_of_the_tree_is_not_imported(self) -> None:
        """The library runs without tests, benchmarks and the demo."""
        outside = {"tests", "bench", "demo", "scripts"}
        wrong = [
            module.at(node)
            for module in library()
            for node, name in module.imports()
            if name.split(".")[0] in outside
        ]
        self.assertEqual([], wrong)

    def test_farmtesting_is_for_tests(self) -> None:
        """What exists for tests is imported by tests, benchmarks and the simulation alone."""
        wrong = [
            place
            for top in ("buildd-manager", "demo", "lib", "scripts")
            for module in modules(top)
            if module.package not in {"farmtesting", "simulation"}
            for package, place in packages_imported(module).items()
            if package in {"farmtesting", "simulation"}
        ]
        self.assertEqual([], wrong)

    def test_pure_packages_are_pure(self) -> None:
        """Words and decisions import neither a foreign library nor anything that does I/O."""
        wrong = [
            f"{module.at(node)}: {name}"
            for module in library()
            if module.package in PURE
            for node, name in module.imports()
            if not name.startswith(f"{PACKAGE}.")
            and (name.split(".")[0] not in sys.stdlib_module_names or name.split(".")[0] in IMPURE)
        ]
        self.assertEqual([], wrong)

    def test_rule(self) -> None:
        """The rule itself: down, not up, not sideways, and the exceptions."""
        self.assertTrue(may_import("storage", "vocab"))
        self.assertFalse(may_import("vocab", "storage"))
        self.assertFalse(may_import("storage", "builders"))
        self.assertTrue(may_import("refbuilder", "wire"))
        self.assertFalse(may_import("refbuilder", "builders"))
        self.assertTrue(may_import("commands", "refbuilder"))
        self.assertFalse(may_import("scanning", "refbuilder"))
