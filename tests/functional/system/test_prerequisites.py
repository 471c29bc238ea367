"""What `make` does first: the Debian packages and the Python that it needs."""

import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

from buildfarm.farmtesting.cases import FarmTestCase
from tests.functional.system.scratch import TREE, run

#: What the scripts themselves call, apart from what is replaced here.
_TOOLS = ("awk", "dirname", "env", "id", "sed", "sh")


class ScriptCase(FarmTestCase):
    """Runs a script where no more commands exist than the test has made."""

    def setUp(self) -> None:
        """Make a directory of commands."""
        super().setUp()
        self.commands: Path = self.make_directory()
        self.notes = self.make_directory() / "notes"
        self.notes.touch()
        for tool in _TOOLS:
            (self.commands / tool).symlink_to(shutil.which(tool) or tool)

    def make_command(self, name: str, script: str) -> None:
        """A command `name` that does what the shell script says."""
        path = self.commands / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run_script(self, name: str, *arguments: str, **variables: str) -> CompletedProcess[str]:
        """Run the script of the tree's `scripts`."""
        path = str(self.commands)
        return run("sh", TREE / "scripts" / name, *arguments, PATH=path, **variables)


class TestDebianPackages(ScriptCase):
    def setUp(self) -> None:
        """Make a Debian where reprepro is missing, and who uses it is root."""
        super().setUp()
        self.make_command("dpkg-query", 'case "$*" in *reprepro) exit 1 ;; esac; echo installed')
        self.make_command("apt-get", f'echo "apt-get $*" >>{self.notes}')
        self.make_command("sudo", f'echo sudo >>{self.notes}; exec "$@"')
        self.make_command("id", "echo 0")

    def test_missing_package(self) -> None:
        """A missing package is named, then installed, and no other."""
        ran = self.run_script("install-debian-packages", "check")
        self.assertEqual(
            (0, "Installing Debian packages: reprepro\n"), (ran.returncode, ran.stdout)
        )
        update, install = self.notes.read_text().splitlines()
        self.assertIn("update", update)
        self.assertTrue(install.endswith("--no-install-recommends reprepro"))

    def test_nothing_missing(self) -> None:
        """Where nothing is missing for a purpose, nothing is said or done."""
        ran = self.run_script("install-debian-packages", "venv")
        self.assertEqual((0, ""), (ran.returncode, ran.stdout))
        self.assertEqual("", self.notes.read_text())

    def test_user_with_sudo(self) -> None:
        """Who is not root uses sudo."""
        self.make_command("id", "echo 1000")
        self.assertEqual(0, self.run_script("install-debian-packages", "check").returncode)
        self.assertEqual(2, self.notes.read_text().splitlines().count("sudo"))

    def test_user_without_sudo(self) -> None:
        """Without sudo, one sentence says what to do."""
        self.make_command("id", "echo 1000")
        (self.commands / "sudo").unlink()
        ran = self.run_script("install-debian-packages", "check")
        self.assertEqual(1, ran.returncode)
        self.assertEqual(1, len(ran.stdout.splitlines()))
        self.assertIn("apt-get install reprepro", ran.stdout)

    def test_other_system(self) -> None:
        """Where there is no apt, what is needed is named, and the rest is tried."""
        (self.commands / "apt-get").unlink()
        ran = self.run_script("install-debian-packages", "check")
        self.assertEqual(0, ran.returncode)
        self.assertIn("reprepro", ran.stdout)


class TestPython(ScriptCase):
    def test_too_old(self) -> None:
        """A python3 that is too old is passed over for one that is not."""
        self.make_command("python3", "exit 1")
        self.make_command("python3.12", f'exec {sys.executable} "$@"')
        found = self.run_script("find-python", PYTHON="python3")
        self.assertEqual((0, f"{self.commands}/python3.12\n"), (found.returncode, found.stdout))

    def test_named(self) -> None:
        """The one that is named comes first."""
        found = self.run_script("find-python", PYTHON=sys.executable)
        self.assertEqual((0, f"{sys.executable}\n"), (found.returncode, found.stdout))
