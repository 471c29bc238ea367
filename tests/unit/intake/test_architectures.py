"""Which builds follow from `Architecture`."""

from dataclasses import replace

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.intake.architectures import wanted_builds
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.submission import SourcePackage, WantedBuild

ARCHIVE = ArchiveSnapshot(
    id=1,
    name="main",
    distribution="debian",
    suites=("bookworm",),
    architectures=("amd64", "arm64", "i386"),
    nominated_architecture="amd64",
    component="main",
    bases=(),
    trusted_keys=(),
    uploader=UploaderKind.DIRECTORY,
    path="/srv/archive",
    key_id=None,
    private=False,
    virtualized=True,
)


def builds(field: str, *only: str, archive: ArchiveSnapshot = ARCHIVE) -> list[str]:
    """The builds of a source with this field, `+all` after the one that makes those packages."""
    source = SourcePackage("hello", "1", tuple(field.split()), ("hello",), ())
    return [
        f"{build.architecture}+all" if build.arch_indep else build.architecture
        for build in wanted_builds(source, archive, only)
    ]


class TestArchitectures(FarmTestCase):
    def test_any(self) -> None:
        """`any` is built on each of the archive's architectures."""
        self.assertEqual(["amd64", "arm64", "i386"], builds("any"))

    def test_all(self) -> None:
        """`all` is built once, on the nominated architecture."""
        self.assertEqual(["amd64+all"], builds("all"))

    def test_any_and_all(self) -> None:
        """With both, the build on the nominated architecture also makes the `all` packages."""
        self.assertEqual(["amd64+all", "arm64", "i386"], builds("any all"))

    def test_wildcards(self) -> None:
        """Wildcards are dpkg's."""
        for field, expected in (
            ("linux-any", ["amd64", "arm64", "i386"]),
            ("kfreebsd-any i386", ["i386"]),
            ("any-amd64", ["amd64"]),
            ("any-amd64 any-i386", ["amd64", "i386"]),
            ("linux-amd64", ["amd64"]),
            ("gnu-any-any", ["amd64", "arm64", "i386"]),
        ):
            self.assertEqual(expected, builds(field), field)

    def test_list(self) -> None:
        """A list is built on those that the archive has; others are not asked for."""
        self.assertEqual(["arm64"], builds("arm64 riscv64"))

    def test_all_with_others_only_elsewhere(self) -> None:
        """The `all` packages get their build even where nothing else is built there."""
        self.assertEqual(["amd64+all", "arm64"], builds("arm64 all"))

    def test_nominated_elsewhere(self) -> None:
        """The nominated architecture is the archive's own choice."""
        archive = replace(ARCHIVE, nominated_architecture="arm64")
        self.assertEqual(["amd64", "arm64+all", "i386"], builds("any all", archive=archive))

    def test_only_some(self) -> None:
        """Who submits may ask for some architectures only, each once."""
        self.assertEqual(["i386"], builds("any all", "i386"))
        self.assertEqual(["i386", "amd64+all"], builds("any all", "i386", "amd64", "i386"))

    def test_unknown_architecture(self) -> None:
        """An architecture that the archive does not have is refused with those it has."""
        error = self.assertRaises(Refused, builds, "any", "riscv64")
        self.assertEqual(
            "The archive main has no architecture riscv64; it has amd64, arm64, i386.", str(error)
        )

    def test_nothing_to_build(self) -> None:
        """A source that no architecture of the archive builds is refused."""
        for field, only in (("riscv64", ()), ("all", ("arm64",)), ("hurd-any", ()), ("x-y", ())):
            error = self.assertRaises(Refused, builds, field, *only)
            self.assertIn(f"hello is for {field}: nothing to build on ", str(error))

    def test_values(self) -> None:
        """The answer is what a submission holds."""
        source = SourcePackage("hello", "1", ("all",), ("hello",), ())
        self.assertEqual((WantedBuild("amd64", True),), wanted_builds(source, ARCHIVE))
