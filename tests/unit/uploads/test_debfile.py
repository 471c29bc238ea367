"""The control data of a package file, read without trusting the file."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import ar, deb, deb_of, tar
from buildfarm.uploads import debfile
from buildfarm.uploads.debfile import read_control
from buildfarm.vocab.errors import UploadRefused

CONTROL = b"Package: hello\nVersion: 1.0\nArchitecture: amd64\n"
EXPECTED = {"package": "hello", "version": "1.0", "architecture": "amd64"}
GOOD = tar({"./control": CONTROL})


class DebFileTestCase(FarmTestCase):
    """Package files as bytes."""

    def read(self, content: bytes) -> dict[str, str]:
        """The control fields of a package file of this content."""
        return dict(read_control(io.BytesIO(content), "x.deb"))

    def refused(self, reason: str, content: bytes) -> None:
        """A file of this content is refused, for this reason."""
        with self.assertRaisesRegex(UploadRefused, f"^x.deb.*{reason}"):
            self.read(content)


class GoodPackagesTest(DebFileTestCase):
    def test_every_compression_of_dpkg(self) -> None:
        """None, gzip, xz and zstd."""
        compressions: dict[str, Callable[[bytes], bytes]] = {
            "": bytes,
            ".gz": gzip.compress,
            ".xz": lzma.compress,
            ".zst": zstandard.compress,
        }
        for suffix, pack in compressions.items():
            self.assertEqual(EXPECTED, self.read(deb_of(GOOD, pack=pack, suffix=suffix)), suffix)

    def test_control_among_other_files(self) -> None:
        """Scripts, checksums and directories beside it do not matter; nor does the leading dot."""
        files = {"./md5sums": b"x" * 5000, "control": CONTROL, "./postinst": b"#!/bin/sh\n"}
        self.assertEqual(EXPECTED, self.read(deb_of(tar(files))))

    def test_payload_is_not_opened(self) -> None:
        """What the package installs may be anything."""
        members = [("debian-binary", b"2.0\n"), ("control.tar", GOOD), ("data.tar.xz", b"!")]
        self.assertEqual(EXPECTED, self.read(ar(members)))


class BadContainersTest(DebFileTestCase):
    def test_no_package_at_all(self) -> None:
        """Another format, and nothing."""
        for content in (b"", b"!<arch>", b"PK\x03\x04", GOOD):
            self.refused("is not a package file", content)

    def test_other_members(self) -> None:
        """Exactly the three members, in their order: whatever is more could be read by somebody."""
        version, control, data = (
            ("debian-binary", b"2.0\n"),
            ("control.tar", GOOD),
            ("data.tar", b""),
        )
        for members in (
            [version, control],
            [version, data, control],
            [version, control, control, data],
            [version, ("_x", b""), control, data],
            [version, control, data, ("control.tar.gz", b"")],
            [version, ("control.tar.bz2", bz2.compress(GOOD)), data],
            [version, control, ("data.zip", b"")],
            [],
        ):
            self.refused("does not consist of the three parts", ar(members))

    def test_names_of_members_are_escaped(self) -> None:
        """What a stranger calls a member cannot move a cursor."""
        self.refused(r"three parts of a package: a\\x1b\[2J", ar([("a\x1b[2J", b"")]))

    def test_other_version(self) -> None:
        """Only the format 2.0 is known."""
        for content in (b"2.1\n", b"2.0\nx", b""):
            members = [("debian-binary", content), ("control.tar", GOOD), ("data.tar", b"")]
            self.refused("not in version 2.0", ar(members))

    def test_damaged(self) -> None:
        """Cut off anywhere, with bytes behind its end, or with headers that are none."""
        good = deb()
        for end in (30, 70, 100, 200, len(good) - 2):
            self.refused("", good[:end])
        self.refused("damaged|cut off", good + b"x")
        self.refused("damaged", good.replace(b"`\n", b"``", 1))
        self.refused("damaged", good.replace(b"4         `", b"-4        `", 1))
        self.refused("cut off", good.replace(b"4         `", b"999999999 `", 1))


class BadControlArchivesTest(DebFileTestCase):
    def refused_tar(self, reason: str, *members: tarfile.TarInfo, format: int) -> None:  # noqa: A002
        """A control archive of a good control file and these members is refused."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
            good = tarfile.TarInfo("./control")
            good.size = len(CONTROL)
            archive.addfile(good, io.BytesIO(CONTROL))
            for member in members:
                archive.addfile(member, io.BytesIO(bytes(member.size)))
        self.refused(reason, deb_of(stream.getvalue()))

    def test_not_compressed_as_it_says(self) -> None:
        """Content that is not what the member's name promises."""
        for suffix in (".gz", ".xz", ".zst"):
            self.refused(
                "cannot be unpacked", deb_of(GOOD, pack=lambda _: b"nonsense", suffix=suffix)
            )
        self.refused("cannot be unpacked", deb_of(b"nonsense"))

    def test_cut_off(self) -> None:
        """Compressed data, or the archive in it, that ends in the middle."""
        self.refused(
            "cannot be unpacked", deb_of(GOOD, pack=lambda plain: gzip.compress(plain)[:-9])
        )
        self.refused("cannot be unpacked|no control file", deb_of(GOOD[:-9700]))

    def test_bombs(self) -> None:
        """A small file that unpacks to very much is not unpacked far, however it is packed."""
        self.patch(debfile, "MAX_UNPACKED", 10**6)
        bomb = tar({"./md5sums": bytes(2 * 10**6), "./control": CONTROL})
        for suffix, pack in (
            (".gz", gzip.compress),
            (".xz", lzma.compress),
            (".zst", zstandard.compress),
        ):
            self.refused(
                "unpacks to more than 1000000 bytes", deb_of(bomb, pack=pack, suffix=suffix)
            )

    def test_too_large_as_it_is(self) -> None:
        """A control archive larger than any real one is not even read."""
        self.patch(debfile, "MAX_PACKED", 100)
        self.refused("has a control archive of", deb())

    def test_too_many_files(self) -> None:
        """Counting them ends somewhere."""
        self.patch(debfile, "MAX_MEMBERS", 10)
        files = {f"./{number}": b"" for number in range(10)}
        self.refused("more than 10 files", deb_of(tar({"./control": CONTROL, **files})))

    def test_no_control(self) -> None:
        """An archive without the file."""
        self.refused("has no control file", deb_of(tar({"./controls": CONTROL})))
        self.refused("has no control file", deb_of(bytes(1024)))

    def test_two_controls(self) -> None:
        """Which of two would be taken differs from tool to tool."""
        self.refused("more than one", deb_of(tar({"./control": CONTROL, "control": CONTROL})))

    def test_improper_control(self) -> None:
        """A directory of that name, or a file beyond any real size."""
        self.refused("no proper, control file", deb_of(tar({"./control/x": b""})))
        self.patch(debfile, "MAX_CONTROL", 10)
        self.refused("no proper, control file", deb())

    def test_readers_could_disagree(self) -> None:
        """Links, devices, extended headers and roundabout names."""
        reason = "something else than plain files"
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE):
            member = tarfile.TarInfo("./postinst")
            member.type, member.linkname = kind, "x"
            self.refused_tar(reason, member, format=tarfile.GNU_FORMAT)
        self.refused_tar(reason, tarfile.TarInfo("./" + "x" * 200), format=tarfile.GNU_FORMAT)
        self.refused_tar(reason, tarfile.TarInfo("./é"), format=tarfile.PAX_FORMAT)
        for name in (".//control", "././control", "/control", "./x/../control", "../control"):
            self.refused_tar(reason, tarfile.TarInfo(name), format=tarfile.GNU_FORMAT)

    def test_something_behind_the_end(self) -> None:
        """Members after the mark that ends an archive are read by some."""
        self.refused("behind the end", deb_of(GOOD + GOOD))

    def test_bad_control_data(self) -> None:
        """The file itself is read strictly."""
        twice = tar({"./control": CONTROL + b"Package: evil\n"})
        self.refused("its control file gives the field Package twice", deb_of(twice))


class AnyFileTest(FarmTestCase):
    @given(st.integers(0, len(deb()) - 1), st.binary(min_size=1, max_size=4))
    def test_changed_package(self, position: int, change: bytes) -> None:
        """Whatever a file holds, it is read or refused."""
        content = bytearray(deb_of(GOOD, pack=bytes, suffix=""))
        content[position : position + len(change)] = change
        try:
            read_control(io.BytesIO(content), "x.deb")
        except UploadRefused as refused:
            self.assertTrue(str(refused).startswith("x.deb"))
