"""Rules of the house for every module under lib/."""

import ast
import re

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT, Module, library
from tests.meta.test_layers import LAYERS

#: Entry points: they import the reactor and read the clock, and hand both down.
ENTRY_POINTS = {"commands", "scripts"}

#: Reading one of these makes a module depend on the moment. The CPU time used is something else.
CLOCKS = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "twisted.internet.reactor",
}

#: Exceptions, each with its reason.
EXCEPTIONS = {
    # The one place where the wall clock comes in, to be handed down.
    "lib/buildfarm/assembly/walltime.py": {"datetime.datetime.now"},
    # Run in threads and children without a reactor, where they keep their deadlines.
    "lib/buildfarm/depwait/reading.py": {"time.monotonic"},
    "lib/buildfarm/flow/frames.py": {"time.monotonic"},
    "lib/buildfarm/flow/lockfiles.py": {"time.monotonic", "time.sleep"},
    "lib/buildfarm/uploads/publishing.py": {"time.monotonic"},
    # Processes of their own, for tests: builders, and a manager by a clock that is wrong.
    "lib/buildfarm/farmtesting/daemonprocess.py": {"twisted.internet.reactor"},
    "lib/buildfarm/farmtesting/shiftedmanager.py": {"time.time"},
    # Handed to the reactor by entry points.
    "lib/buildfarm/flow/steadytime.py": {"time.monotonic"},
}

MAX_LINES = 300
MAX_FUNCTION_LINES = 60


def lines_of(node: ast.AST) -> int:
    """How many lines `node` takes, docstring included."""
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) + 1


def layer_named(module: Module) -> str:
    """How the docstring of `module` must name its layer."""
    return f"Layer {LAYERS[module.package]}" if module.package in LAYERS else "Beside the layers"


def clocks_read(module: Module) -> dict[str, str]:
    """The clocks that `module` reads, and the global reactor; each with a place."""
    named = [*module.imports(), *module.references()]
    return {name: module.at(node) for node, name in named if name in CLOCKS}


class TestTime(FarmTestCase):
    def test_reactor_and_clock_are_passed_in(self) -> None:
        """No library code imports the global reactor or reads a clock; entry points do."""
        wrong = [
            f"{place}: {name}"
            for module in library()
            if module.package not in ENTRY_POINTS
            for name, place in clocks_read(module).items()
            if name not in EXCEPTIONS.get(str(module.path), set())
        ]
        self.assertEqual([], wrong)

    def test_exceptions_are_needed(self) -> None:
        """No exception outlives its reason."""
        reading = {str(module.path): set(clocks_read(module)) for module in library()}
        for path, names in EXCEPTIONS.items():
            self.assertEqual(names, names & reading.get(path, set()), path)


class TestShape(FarmTestCase):
    def test_modules_are_short(self) -> None:
        """A module is understood in one reading."""
        wrong = [
            f"{module.path}: {len(module.text.splitlines())} lines"
            for module in library()
            if len(module.text.splitlines()) >= MAX_LINES
        ]
        self.assertEqual([], wrong)

    def test_functions_are_short(self) -> None:
        """No function is longer than a screen."""
        wrong = [
            f"{module.at(node)} {node.name}: {lines_of(node)} lines"
            for module in library()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and lines_of(node) > MAX_FUNCTION_LINES
        ]
        self.assertEqual([], wrong)

    def test_packages_are_only_described(self) -> None:
        """An `__init__.py` holds a docstring, so that importing a module imports nothing else."""
        wrong = [
            str(module.path)
            for module in library()
            if module.path.name == "__init__.py"
            and not (len(module.tree.body) == 1 and module.docstring)
        ]
        self.assertEqual([], wrong)

    def test_every_directory_is_a_package(self) -> None:
        """No package is without its `__init__.py`."""
        packages = {module.path.parent for module in library()} - {(ROOT / "lib")}
        self.assertEqual(
            [], [str(path) for path in packages if not (ROOT / path / "__init__.py").exists()]
        )


class TestDocstrings(FarmTestCase):
    def test_layer(self) -> None:
        """The docstring of a module says its layer; `vocab` says it once, in the package."""
        wrong = [
            f"{module.path}: {layer_named(module)}"
            for module in library()
            if module.package
            and (module.package != "vocab" or module.path.name == "__init__.py")
            and layer_named(module) not in module.docstring
        ]
        self.assertEqual([], wrong)

    def test_tests_named_exist(self) -> None:
        """Where a docstring says that its tests are, there are tests."""
        wrong = [
            f"{module.path}: {named}"
            for module in library()
            for named in re.findall(r"tests/[\w/]+(?:\.py)?", module.docstring)
            if not (ROOT / named).exists()
        ]
        self.assertEqual([], wrong)

    def test_unfinished(self) -> None:
        """Nothing is a stub for a later day."""
        wrong = [
            module.at(node)
            for module in library()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
        ]
        self.assertEqual([], wrong)
