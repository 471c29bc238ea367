"""Chroots: what builds start from."""

from dataclasses import replace

from buildfarm.storage import chroots
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import Refused
from tests.unit.storage.cases import StorageTestCase

SID = ChrootSnapshot("debian", "sid", "amd64", "chroot", 7, "a" * 40, "b" * 64)


class TestChroots(StorageTestCase):
    def set(self, chroot: ChrootSnapshot) -> None:
        """Set a chroot."""
        self.act(chroots.set_chroot, chroot, "root", self.now())

    def test_set(self) -> None:
        """A chroot is found by what it is for."""
        self.assertIsNone(self.ask(chroots.chroot_of, "debian", "sid", "amd64"))
        self.set(SID)
        self.assertEqual(SID, self.ask(chroots.chroot_of, "debian", "sid", "amd64"))
        self.assertIn(SID, self.ask(chroots.chroots))

    def test_set_again(self) -> None:
        """A newer file takes the place of the older."""
        self.set(SID)
        newer = replace(SID, size=8, sha1="c" * 40, sha256="d" * 64)
        self.set(newer)
        of_sid = [one for one in self.ask(chroots.chroots) if one.series == "sid"]
        self.assertEqual([newer], of_sid)

    def test_no_name(self) -> None:
        """Names become parts of file names."""
        for field in ("distribution", "series", "architecture", "image_type"):
            self.assertRaises(Refused, self.set, replace(SID, **{field: "../x"}))

    def test_as_a_file(self) -> None:
        """A builder downloads it as a file with a plain name."""
        self.assertEqual(
            StoredFile("chroot-debian-sid-amd64.tar", 7, "a" * 40, "b" * 64),
            chroots.tarball(SID),
        )
