"""Which package indexes a build's packages come from."""

from pathlib import Path

from buildfarm.depwait.indexes import Index, base_indexes, own_index
from buildfarm.farmtesting.cases import FarmTestCase
from tests.unit.depwait.cases import archive

HOST = "http://deb.example/debian"


class TestBaseIndexes(FarmTestCase):
    def test_lines(self) -> None:
        """Each component of a line has one; options may restrict it to other architectures."""
        lines = (
            f"deb {HOST}/ bookworm main contrib",
            f"deb [trusted=yes arch=amd64,arm64] {HOST} bookworm-updates main",
            f"deb [arch=arm64] {HOST} trixie main",
            f"deb-src {HOST} bookworm main",
            f"deb {HOST} bookworm main",
            "deb cdrom:[x]/ bookworm main",
            "nonsense",
        )
        self.assertEqual(
            (
                Index(f"{HOST}/dists/bookworm", "main/binary-amd64/Packages"),
                Index(f"{HOST}/dists/bookworm", "contrib/binary-amd64/Packages"),
                Index(f"{HOST}/dists/bookworm-updates", "main/binary-amd64/Packages"),
            ),
            base_indexes(lines, "amd64"),
        )

    def test_flat(self) -> None:
        """A suite that ends with a slash is a directory with packages in it."""
        lines = ("deb file:///srv/flat ./", f"deb {HOST} some/where/")
        self.assertEqual(
            (Index("file:///srv/flat", "Packages"), Index(f"{HOST}/some/where", "Packages")),
            base_indexes(lines, "amd64"),
        )

    def test_own(self) -> None:
        """The archive's own is read where it lies."""
        index = own_index(Path("/srv/a b/public"), archive(), "bookworm", "amd64")
        self.assertEqual("file:///srv/a%20b/public/dists/bookworm", index.directory)

    def test_passwords(self) -> None:
        """Records name the place without the password in its URL."""
        index = Index("https://user:hunter2@deb.example/dists/x", "main/binary-amd64/Packages")
        self.assertNotIn("hunter2", index.place)
