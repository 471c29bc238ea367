"""reprepro's configuration for an archive."""

from typing import Any

from debian.deb822 import Deb822

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.uploadtasks import archive
from buildfarm.uploads.configuration import configure, distributions
from buildfarm.uploads.layout import Layout
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import UploaderKind


class ConfigurationTest(FarmTestCase):
    """From an archive to files."""

    def setUp(self) -> None:
        super().setUp()
        self.layout = Layout(self.make_directory())
        self.layout.conf.mkdir()

    def configure(self, **changed: Any) -> bool:
        """Write the configuration; whether it changed."""
        return configure(self.layout, archive(UploaderKind.REPREPRO, self.layout.root, **changed))

    def test_one_distribution_per_suite(self) -> None:
        """Each suite is one, with the archive's architectures and component."""
        made = archive(UploaderKind.REPREPRO, self.layout.root, suites=("sid", "sid-updates"))
        found = [dict(paragraph) for paragraph in Deb822.iter_paragraphs(distributions(made))]
        expected = {
            "Origin": "main",
            "Label": "main",
            "Architectures": "amd64 arm64",
            "Components": "main",
            "UDebComponents": "main",
        }
        names = [{"Codename": suite, "Suite": suite} for suite in ("sid", "sid-updates")]
        self.assertEqual([{**name, **expected} for name in names], found)

    def test_signed(self) -> None:
        """An archive with a key is signed with it."""
        made = archive(UploaderKind.REPREPRO, self.layout.root, key_id="ABCD")
        self.assertIn("\nSignWith: ABCD\n", distributions(made))

    def test_written_when_it_changes(self) -> None:
        """The same archive again changes nothing; another one does."""
        self.assertTrue(self.configure())
        self.assertFalse(self.configure())
        self.assertTrue(self.configure(suites=("sid",)))
        self.assertIn("Codename: sid\n", (self.layout.conf / "distributions").read_text())

    def test_foreign_files_stay(self) -> None:
        """What somebody else wrote is never written over."""
        for name in ("options", "distributions"):
            path = self.layout.conf / name
            path.write_text("# theirs\n")
            self.assertRaises(Refused, self.configure)
            self.assertEqual("# theirs\n", path.read_text())
            path.unlink()
