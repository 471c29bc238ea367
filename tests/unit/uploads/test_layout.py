"""Where reprepro puts packages."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.layout import Layout, pool_path
from buildfarm.vocab.upload import ResultFile


def package(file_name: str, version: str = "1.0") -> BinaryPackage:
    """A package of this file name."""
    return BinaryPackage(
        ResultFile(file_name, Path("0001"), 1, "0" * 64), "hello", version, "amd64"
    )


class PoolPathTest(FarmTestCase):
    """As reprepro has it; the functional tests compare."""

    def test_prefix(self) -> None:
        """One letter of the source's name, or four of a library's."""
        hello = package("hello_1.0_amd64.deb")
        self.assertEqual("pool/main/h/hi/hello_1.0_amd64.deb", pool_path("main", "hi", hello))
        self.assertEqual("pool/x/libh/libh/hello_1.0_amd64.deb", pool_path("x", "libh", hello))

    def test_name(self) -> None:
        """No epoch, and a usual suffix."""
        ddeb = package("hello_1.0_amd64.ddeb", "2:1.0")
        self.assertEqual("pool/main/h/hi/hello_1.0_amd64.deb", pool_path("main", "hi", ddeb))
        udeb = package("hello_1.0_amd64.udeb")
        self.assertEqual("pool/main/h/hi/hello_1.0_amd64.udeb", pool_path("main", "hi", udeb))


class LayoutTest(FarmTestCase):
    """What is for whom."""

    def test_only_public_things_are_public(self) -> None:
        """Of all places only the public key is below the public directory."""
        layout = Layout(Path("/srv/archive"))
        private = (layout.conf, layout.database, layout.saved_database, layout.marker)
        for path in (*private, layout.ledger, layout.keys):
            self.assertFalse(path.is_relative_to(layout.public))
        self.assertTrue(layout.public_key.is_relative_to(layout.public))
