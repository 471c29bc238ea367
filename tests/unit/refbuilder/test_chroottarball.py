"""Which chroot tarballs are taken."""

import io
import tarfile
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.refbuilder.chroottarball import chroot_fault


class TestChrootFault(FarmTestCase):
    def tarball(self, *names: str, mode: str = "w:gz") -> Path:
        """A tarball of empty files with these names."""
        path = self.make_directory() / "chroot"
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            for name in names:
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return path

    def test_good(self) -> None:
        """One top directory of the agreed name, packed in any of the usual ways."""
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            self.assertIsNone(
                chroot_fault(self.tarball("chroot-autobuild/etc", mode=mode), "chroot")
            )
        self.assertIsNone(chroot_fault(self.tarball("./chroot-autobuild"), "chroot"))

    def test_wrong_top(self) -> None:
        """Another top directory is named in the answer."""
        fault = chroot_fault(self.tarball("bookworm/etc"), "chroot")
        self.assertIn("'bookworm/etc'", fault or "")

    def test_hidden_top(self) -> None:
        """A directory whose name only begins like the agreed one is another one."""
        self.assertIsNotNone(chroot_fault(self.tarball("chroot-autobuild2/etc"), "chroot"))

    def test_empty(self) -> None:
        """An empty tarball is no chroot."""
        self.assertIn("empty", chroot_fault(self.tarball(), "chroot") or "")

    def test_no_tarball(self) -> None:
        """Nor is a file of anything else, or of nothing."""
        path = self.make_directory() / "chroot"
        for content in (b"", b"garbage", b"\x1f\x8bgarbage", b"x" * 5000):
            path.write_bytes(content)
            self.assertIn("not a tarball", chroot_fault(path, "chroot") or "")

    def test_cut_off(self) -> None:
        """A packed tarball that ends in its first member is none."""
        path = self.tarball("chroot-autobuild/etc")
        path.write_bytes(path.read_bytes()[:20])
        self.assertIn("not a tarball", chroot_fault(path, "chroot") or "")

    def test_other_image(self) -> None:
        """Images of containers are not taken."""
        self.assertIn("lxd", chroot_fault(self.tarball("chroot-autobuild/"), "lxd") or "")
