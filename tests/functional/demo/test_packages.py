"""The demo's packages and what makes them ready for a farm."""

import subprocess
import tarfile
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.refbuilder.chroottarball import chroot_fault
from demo.make_chroot import make_chroot
from demo.make_source import make_source

DEMO = Path(__file__).parents[3] / "demo"


class TestMakers(FarmTestCase):
    def test_source(self) -> None:
        """A source package has the same bytes whenever it is made, so it has one digest."""
        first, second = self.make_directory(), self.make_directory()
        for package in sorted((DEMO / "packages").iterdir()):
            dsc = make_source(package, first)
            self.assertEqual(dsc.read_bytes(), make_source(package, second).read_bytes())
        self.assertEqual(8, len(list(first.iterdir())))

    def test_chroot(self) -> None:
        """So has the chroot, which builders take for one."""
        first, second = (make_chroot(self.make_directory() / "chroot.tar.gz") for _ in range(2))
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertIsNone(chroot_fault(first, "chroot"))
        with tarfile.open(first) as tarball:
            self.assertEqual({0}, {member.uid + member.mtime for member in tarball})

    def test_commands(self) -> None:
        """Both can be run as commands, which print what they have made."""
        where = self.make_directory()
        packed = run(DEMO / "make_chroot.py", where / "chroot.tar.gz")
        self.assertEqual(f"{where / 'chroot.tar.gz'}\n", packed.stdout)
        made = run(DEMO / "make_source.py", DEMO / "packages" / "farm-tools", where)
        self.assertEqual(f"{where / 'farm-tools_1.0.dsc'}\n", made.stdout)

    def test_refusals(self) -> None:
        """What is no source package is refused in dpkg-source's words, wrong usage in ours."""
        where = self.make_directory()
        refused = run(DEMO / "make_source.py", where, where)
        self.assertEqual(1, refused.returncode)
        self.assertIn("dpkg-source could not build", refused.stderr)
        self.assertNotIn("Traceback", refused.stderr)
        self.assertIn("usage", run(DEMO / "make_source.py").stderr)
        self.assertIn("usage", run(DEMO / "make_chroot.py").stderr)


class TestPackages(FarmTestCase):
    def build(self, package: str) -> Path:
        """Where the results of building `package` are."""
        where = self.make_directory()
        make_source(DEMO / "packages" / package, where)
        run("dpkg-source", "--extract", f"{package}_1.0.dsc", package, cwd=where).check_returncode()
        run("dpkg-buildpackage", "-b", "-us", "-uc", cwd=where / package).check_returncode()
        return where

    def unpack(self, where: Path, pattern: str) -> Path:
        """The content of the one package file that matches."""
        (package,) = where.glob(pattern)
        run("dpkg-deb", "--extract", package, where / "root").check_returncode()
        return where / "root"

    def test_greeting(self) -> None:
        """farm-greeting is for every architecture, and says one line."""
        root = self.unpack(self.build("farm-greeting"), "farm-greeting_1.0_all.deb")
        self.assertEqual("Hello from the farm.\n", run(root / "usr/bin/farm-greeting").stdout)

    def test_tools(self) -> None:
        """farm-tools makes one package for each architecture and one for all, that go together."""
        where = self.build("farm-tools")
        self.unpack(where, "farm-tools-words_1.0_all.deb")
        root = self.unpack(where, "farm-tools_1.0_*.deb")
        with (root / "usr/share/farm-tools/words").open() as words:
            counted = run(root / "usr/bin/farm-count", stdin=words)
        self.assertEqual("5\n", counted.stdout)


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """A command that has ended, with what it said."""
    command = [str(argument) for argument in arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]
