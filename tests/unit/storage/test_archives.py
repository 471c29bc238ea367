"""Archives: added, changed, and what is refused."""

from typing import Any

from buildfarm.storage import archives
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import UploaderKind
from tests.unit.storage.cases import StorageTestCase, new_archive


class TestArchives(StorageTestCase):
    def add(self, name: str, **fields: Any) -> None:
        """Add an archive."""
        self.act(archives.add_archive, new_archive(name, **fields), "root", self.now())

    def change(self, **changes: object) -> None:
        """Change the archive that every test has."""
        self.act(archives.change_archive, "main", changes, "root", self.now())

    def test_added(self) -> None:
        """An archive is what the operator has described, in the order that was given."""
        self.add(
            "extra",
            suites=("sid", "bookworm"),
            bases=("deb http://deb.example sid main",),
            trusted_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----\n…",),
            uploader=UploaderKind.REPREPRO,
            key_id="ABCDEF",
            private=True,
            virtualized=True,
        )
        extra = self.ask(archives.archive_named, "extra")
        self.assertEqual(("sid", "bookworm"), extra.suites)
        self.assertEqual(("deb http://deb.example sid main",), extra.bases)
        self.assertEqual(1, len(extra.trusted_keys))
        self.assertEqual(
            (UploaderKind.REPREPRO, "/srv/extra", "ABCDEF", True, True, "main"),
            (
                extra.uploader,
                extra.path,
                extra.key_id,
                extra.private,
                extra.virtualized,
                extra.component,
            ),
        )
        self.assertEqual(["extra", "main"], [one.name for one in self.ask(archives.archives)])

    def test_taken(self) -> None:
        """A name is one archive's."""
        self.assertRaises(Refused, self.add, "main")

    def test_unknown(self) -> None:
        """An unknown name is answered with the known ones."""
        refused = self.assertRaises(Refused, self.ask, archives.archive_named, "mian")
        self.assertEqual("There is no archive 'mian' (known: main).", str(refused))

    def test_impossible(self) -> None:
        """Names that are none, no suite, and a nominated architecture that it lacks."""
        for fields in (
            {"suites": ()},
            {"suites": ("../sid",)},
            {"distribution": "-x"},
            {"component": "Main"},
            {"architectures": ("amd 64",)},
            {"nominated_architecture": "s390x"},
        ):
            self.assertRaises(Refused, self.add, "extra", **fields)
        self.assertRaises(Refused, self.add, "../extra")
        self.assertEqual(1, len(self.ask(archives.archives)))

    def test_changed(self) -> None:
        """Fields are changed one by one."""
        self.change(suites=["sid"], private=True)
        main = self.ask(archives.archive_named, "main")
        self.assertEqual((("sid",), True), (main.suites, main.private))
        self.change(uploader="reprepro")
        self.assertIs(UploaderKind.REPREPRO, self.ask(archives.archive_named, "main").uploader)

    def test_not_changed(self) -> None:
        """What does not fit is refused and nothing is kept."""
        before = self.ask(archives.archive_named, "main")
        for changes in ({"name": "other"}, {"suites": []}, {"colour": "red"}, {}):
            if changes:
                self.assertRaises(Refused, self.change, **changes)
            else:
                self.change()
        self.assertRaises(Refused, self.change, uploader="carrier-pigeon")
        self.assertEqual(before, self.ask(archives.archive_named, "main"))
