"""Rules for the tests themselves."""

import ast
from collections.abc import Iterator

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import Module, library, suite

#: Bases that pass an async test whatever it does, or run it in another way than the others.
FOREIGN_BASES = {
    "testtools.TestCase",
    "testtools.testcase.TestCase",
    "twisted.trial.unittest.SynchronousTestCase",
    "twisted.trial.unittest.TestCase",
    "unittest.IsolatedAsyncioTestCase",
    "unittest.TestCase",
}

#: The one module that derives from testtools.
BASE = "lib/buildfarm/farmtesting/cases.py"

SKIPS = {
    "pytest.importorskip",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
    "pytest.skip",
    "pytest.xfail",
    "self.expectFailure",
    "self.skip",
    "self.skipTest",
    "testtools.skip",
    "testtools.skipIf",
    "testtools.skipUnless",
    "testtools.testcase.TestSkipped",
    "unittest.SkipTest",
    "unittest.expectedFailure",
    "unittest.skip",
    "unittest.skipIf",
    "unittest.skipUnless",
}

#: Sleeping, in whatever way.
SLEEPS = {"asyncio.sleep", "time.sleep"}

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def modules_with_tests() -> tuple[Module, ...]:
    """Every module of tests, and those of the library that exist for tests."""
    return suite() + tuple(module for module in library() if module.package == "farmtesting")


def classes_with_tests(module: Module) -> Iterator[ast.ClassDef]:
    """The classes of `module` that pytest would collect, or that add tests to such a class."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and any(methods_that_test(node)):
            yield node


def methods_that_test(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The tests of a class."""
    for item in node.body:
        if isinstance(item, _FUNCTION) and item.name.startswith("test"):
            yield item


class TestTests(FarmTestCase):
    def test_one_base(self) -> None:
        """Every test derives from `FarmTestCase`, so that no async test passes unseen."""
        wrong = [
            f"{module.at(node)}: {name}"
            for module in modules_with_tests()
            if str(module.path) != BASE
            for node, name in [*module.imports(), *module.references()]
            if name in FOREIGN_BASES
        ]
        self.assertEqual([], wrong)

    def test_no_test_without_a_base(self) -> None:
        """Tests are methods of a class that derives from something."""
        wrong = [
            module.at(node)
            for module in modules_with_tests()
            for node in classes_with_tests(module)
            if not node.bases
        ]
        wrong += [
            module.at(node)
            for module in suite()
            if module.path.name.startswith("test_")
            for node in module.tree.body
            if isinstance(node, _FUNCTION) and node.name.startswith("test")
        ]
        self.assertEqual([], wrong)

    def test_no_sleep(self) -> None:
        """No test sleeps and hopes: it polls a condition with a deadline, or moves a clock."""
        wrong = [
            f"{module.at(node)}: {name}"
            for module in modules_with_tests()
            for node, name in module.references()
            if name in SLEEPS
        ]
        wrong += [
            f"{module.at(node)}: {ast.unparse(node)}"
            for module in modules_with_tests()
            if str(module.path) != BASE
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and waits_for_real_time(node)
        ]
        self.assertEqual([], wrong)

    def test_no_skip(self) -> None:
        """Every test runs everywhere; what it needs is installed by `make check`."""
        wrong = [
            f"{module.at(node)}: {name}"
            for module in modules_with_tests()
            for node, name in module.references()
            if name in SKIPS
        ]
        self.assertEqual([], wrong)

    def test_docstrings(self) -> None:
        """Every test states the behaviour that it shows."""
        wrong = [
            f"{module.at(method)} {method.name}"
            for module in modules_with_tests()
            if module.path.name != "samples.py"
            for node in classes_with_tests(module)
            for method in methods_that_test(node)
            if not ast.get_docstring(method)
        ]
        self.assertEqual([], wrong)


def waits_for_real_time(call: ast.Call) -> bool:
    """Whether `call` is a `deferLater` of the real reactor, other than for its next turn."""
    if not ast.unparse(call.func).endswith("deferLater") or len(call.args) < 2:
        return False
    clock, delay = ast.unparse(call.args[0]), ast.unparse(call.args[1])
    return clock.endswith("reactor") and delay != "0"
