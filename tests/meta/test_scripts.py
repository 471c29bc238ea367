"""The scripts: thin, installed, documented, and fit for a machine without a manager."""

import importlib
import re
import subprocess
import sys
from types import ModuleType

import click
from click.testing import CliRunner

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT, library

#: All that a script is.
_THIN = re.compile(
    r'#!/usr/bin/env python3\n"""(?P<name>[a-z-]+): [^\n]+; see docs/scripts\.md\."""\n'
    r"from buildfarm\.scripts\.(?P<module>[a-z]+) import main\n\nmain\(\)\n"
)

#: `$ NAME … --help` in the documentation, and what follows it.
_HELP = re.compile(r"^    \$ ([a-z -]+) --help\n((?:    [^\n]*\n|\n(?=    [^$]))+)", re.MULTILINE)

#: What a machine without a manager need not have.
_THE_MANAGERS = ("psycopg2", "pydantic", "storm", "twisted")


def scripts() -> dict[str, str]:
    """The scripts in Python with their texts."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "scripts").iterdir()}
    return {name: text for name, text in texts.items() if "python" in text.partition("\n")[0]}


def module_of(script: str) -> ModuleType:
    """The module of the library that a script calls."""
    thin = _THIN.fullmatch(scripts()[script])
    assert thin is not None, f"scripts/{script} is more than a caller"
    return importlib.import_module(f"buildfarm.scripts.{thin['module']}")


def command_lines(script: str) -> list[str]:
    """A script and each of its commands, as typed."""
    command = module_of(script).cli
    below = command.commands if isinstance(command, click.Group) else ()
    return [script, *(f"{script} {name}" for name in below)]


def help_of(line: str) -> str:
    """What `--help` says on a terminal of 100 columns."""
    script, *below = line.split()
    shown = CliRunner().invoke(
        module_of(script).cli, [*below, "--help"], prog_name=script, terminal_width=100
    )
    return shown.output.rstrip()


class TestScripts(FarmTestCase):
    def test_thin(self) -> None:
        """A script calls its module of the library, and does nothing else."""
        for name, text in scripts().items():
            thin = _THIN.fullmatch(text)
            self.assertTrue(thin is not None and thin["name"] == name, name)
            self.assertTrue((ROOT / "scripts" / name).stat().st_mode & 0o111, name)

    def test_every_module_with_a_command_has_a_script(self) -> None:
        """No command line is left without a script."""
        with_main = {
            module.path.stem
            for module in library()
            if module.package == "scripts" and "def main() -> None:" in module.text
        }
        called = {module_of(name).__name__.rpartition(".")[2] for name in scripts()}
        self.assertEqual(with_main, called)

    def test_installed(self) -> None:
        """`make install` installs each of them."""
        text = (ROOT / "scripts/install-files").read_text(encoding="utf-8")
        listed = re.search(r"^for script in ([a-z -]+); do$", text, re.MULTILINE)
        assert listed is not None, "install-files has no loop over scripts"
        self.assertEqual(sorted(scripts()), sorted(listed[1].split()))

    def test_nothing_of_the_managers(self) -> None:
        """They run where neither Twisted nor a database is installed."""
        names = [
            f"buildfarm.scripts.{module.path.stem}"
            for module in library()
            if module.package == "scripts" and module.path.stem != "__init__"
        ]
        code = (
            "import importlib, sys\n"
            f"for name in {names!r}: importlib.import_module(name)\n"
            "loaded = {name.partition('.')[0] for name in sys.modules}\n"
            f"print(*sorted(loaded & set({_THE_MANAGERS!r})))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        self.assertEqual("", ended.stdout.strip())


class TestHelp(FarmTestCase):
    def test_documented(self) -> None:
        """docs/scripts.md has what `--help` says, of every script and command."""
        text = (ROOT / "docs/scripts.md").read_text(encoding="utf-8")
        documented = {
            line: re.sub("^    ", "", shown, flags=re.MULTILINE).rstrip()
            for line, shown in _HELP.findall(text)
        }
        lines = [line for script in sorted(scripts()) for line in command_lines(script)]
        self.assertEqual(sorted(lines), sorted(documented))
        for line in lines:
            self.assertEqual(help_of(line), documented[line])

    def test_examples(self) -> None:
        """Every script's help has examples, and says how it ends."""
        for script in scripts():
            self.assertIn("Examples:", help_of(script))
            self.assertIn("Exit status:", help_of(script))
