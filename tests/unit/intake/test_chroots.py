"""Chroot tarballs, looked at before builds start from them."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.intake.chroots import check_chroot
from buildfarm.vocab.errors import Refused


def tarball(*names: str) -> bytes:
    """A tarball of empty files of these names."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return content.getvalue()


class TestChroots(FarmTestCase):
    def refusal(self, content: bytes) -> str:
        """The sentence with which this content is refused."""
        return str(self.assertRaises(Refused, check_chroot, "c.tar", io.BytesIO(content)))

    def test_taken(self) -> None:
        """A tarball with the chroot's directory at its top, compressed in any way or none."""
        packs: tuple[Callable[[bytes], bytes], ...] = (
            bytes,
            gzip.compress,
            bz2.compress,
            lzma.compress,
        )
        for pack in packs:
            for names in (("chroot-autobuild/bin",), ("./chroot-autobuild",)):
                check_chroot("c.tar", io.BytesIO(pack(tarball(*names))))

    def test_other_top(self) -> None:
        """A tarball of something else is refused with what it has at its top."""
        self.assertEqual(
            "c.tar is not the tarball of a chroot: it has bin at its top, "
            "and not the directory chroot-autobuild.",
            self.refusal(tarball("bin/sh")),
        )
        self.assertIn("it has nothing at its top", self.refusal(tarball()))
        self.assertIn("it has .. at its top", self.refusal(tarball("../chroot-autobuild")))

    def test_no_tarball(self) -> None:
        """What is no tarball is refused, wherever it breaks off."""
        whole = gzip.compress(tarball("chroot-autobuild/" + "x" * 90))
        for content in (
            b"",
            b"x" * 2000,
            whole[:20],
            b"\x1f\x8b\x08" + b"y" * 100,
            b"\xfd7zXZ\x00",
        ):
            self.assertIn("c.tar is not a", self.refusal(content))
