"""What dpkg-checkbuilddeps says, read."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.refbuilder.dependencies import missing_dependencies

SAID = "dpkg-checkbuilddeps: error: Unmet build dependencies: "


class TestMissingDependencies(FarmTestCase):
    def test_several(self) -> None:
        """Relations come separated as a Depends field has them, versions and alternatives kept."""
        said = f"{SAID}libfoo-dev (>= 2.0) debhelper-compat (= 13) g++ | clang (>= 15) zlib1g-dev\n"
        self.assertEqual(
            "libfoo-dev (>= 2.0), debhelper-compat (= 13), g++ | clang (>= 15), zlib1g-dev",
            missing_dependencies(said),
        )

    def test_qualifiers(self) -> None:
        """Which architecture of a package was meant is left out, as the genuine daemon does."""
        said = f"{SAID}build-essential:native python3:any (>= 3.11) | python4:any\n"
        self.assertEqual("build-essential, python3 (>= 3.11) | python4", missing_dependencies(said))

    def test_epoch(self) -> None:
        """A colon in a version is part of it."""
        self.assertEqual("foo (>= 1:2~rc1)", missing_dependencies(f"{SAID}foo (>= 1:2~rc1)\n"))

    def test_conflicts(self) -> None:
        """An installed package that conflicts is nothing to wait for."""
        said = "dpkg-checkbuilddeps: error: Build conflicts: make\n"
        self.assertEqual("", missing_dependencies(said))
        self.assertEqual("foo", missing_dependencies(f"{SAID}foo\n{said}"))
