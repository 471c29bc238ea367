"""Whatever a package's files hold, they are read or refused in words: .dsc, .changes, .deb."""

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from typing import Any

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import ar, changes, deb, deb_of, tar
from buildfarm.intake.dsc import read_dsc
from buildfarm.uploads.changes import read_changes
from buildfarm.uploads.debfile import MAX_UNPACKED, read_control
from buildfarm.uploads.paragraph import read_paragraph
from buildfarm.vocab.errors import Refused, UploadRefused
from buildfarm.vocab.names import is_file_name, is_name
from tests.fuzz.damage import damaged, damaged_or_any

DSC = b"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Format: 3.0 (quilt)
Source: hello
Binary: hello, hello-doc
Architecture: any all
Version: 1:2.10-3
Checksums-Sha256:
 31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 725946 hello_2.10.orig.tar.gz
 95d3a3a5a3e7a8f0ac3a4a3ab3d8ba56f7b4c5d7e8d9f0a1b2c3d4e5f6a7b8c9 12688 hello_2.10-3.debian.tar.xz

-----BEGIN PGP SIGNATURE-----

iQ==
-----END PGP SIGNATURE-----
"""
CHANGES = changes({"hello_1.0_amd64.deb": b"x", "hello-doc_1.0_all.deb": b"y"})
CONTROL = tar({"./control": b"Package: hello\nVersion: 1.0\nArchitecture: amd64\n"})
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def packed_deb(control: bytes, suffix: str) -> bytes:
    """A package whose control archive is packed already."""
    return deb_of(b"", pack=lambda content: content or control, suffix=suffix)


class DscTests(FarmTestCase):
    @given(damaged_or_any(DSC))
    def test_any(self, content: bytes) -> None:
        """What is understood has names that are names, and no file twice."""
        try:
            found = read_dsc("hello_2.10-3.dsc", content)
        except Refused as refused:
            self.assertLess(len(str(refused)), 1000)
            return
        self.assertTrue(is_name(found.source))
        names = [file.name for file in found.files]
        self.assertTrue(all(map(is_file_name, names)))
        self.assertEqual(len(set(names)), len(names))


class ChangesTests(FarmTestCase):
    @given(damaged_or_any(CHANGES))
    def test_any(self, content: bytes) -> None:
        """It is understood or refused; sizes are numbers."""
        try:
            found = read_changes(content, "x.changes")
        except UploadRefused as refused:
            self.assertLess(len(str(refused)), 1000)
            return
        self.assertTrue(all(file.size >= 0 for file in found.files.values()))

    @given(
        st.dictionaries(
            st.from_regex(r"[A-Z][a-z]{1,8}(-[A-Z][a-z]{1,8})?", fullmatch=True),
            st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), min_size=1),
            min_size=1,
            max_size=5,
        )
    )
    def test_paragraphs_there_and_back(self, fields: dict[str, str]) -> None:
        """Fields read as they were written, whatever letters their values have."""
        distinct = {name.lower(): value for name, value in fields.items()}
        written = "".join(f"{name}: {value}\n" for name, value in distinct.items())
        self.assertEqual(distinct, dict(read_paragraph(written.encode(), "x")))


class DebTests(FarmTestCase):
    """The three layers of a package file: ar, compression, tar."""

    def read(self, content: bytes) -> Any:
        """The control fields, or None where it is refused."""
        try:
            return read_control(io.BytesIO(content), "x.deb")
        except UploadRefused as refused:
            self.assertLess(len(str(refused)), 1000)
            return None

    @given(damaged(deb()))
    def test_package(self, content: bytes) -> None:
        """The file as a whole."""
        self.read(content)

    @given(st.data(), st.sampled_from(sorted(PACKERS)))
    def test_compressed(self, data: st.DataObject, suffix: str) -> None:
        """What a damaged stream unpacks to, of each kind that dpkg knows."""
        packed = data.draw(damaged(PACKERS[suffix](CONTROL)))
        self.read(packed_deb(packed, suffix))

    @given(st.data(), st.sampled_from(sorted(PACKERS)))
    def test_tar(self, data: st.DataObject, suffix: str) -> None:
        """A damaged archive that was packed well."""
        archive = data.draw(damaged(CONTROL))
        found = self.read(deb_of(archive, pack=PACKERS[suffix], suffix=suffix))
        if archive == CONTROL:
            self.assertEqual("hello", found["package"])

    @given(st.integers(0, 511), st.binary(min_size=1, max_size=12))
    def test_header(self, place: int, piece: bytes) -> None:
        """A header of tar that was changed, with a checksum that is right again."""
        header = bytearray(CONTROL)
        start = header.index(b"./control")
        start -= start % 512
        header[start + place : start + place + len(piece)] = piece
        header[start + 148 : start + 156] = b" " * 8
        total = sum(header[start : start + 512])
        header[start + 148 : start + 156] = b"%06o\0 " % total
        self.read(deb_of(bytes(header)))

    @given(st.lists(st.tuples(st.text(max_size=16), st.binary(max_size=30)), max_size=5))
    def test_members(self, members: list[tuple[str, bytes]]) -> None:
        """Archives of other members, of any names."""
        self.assertIsNone(self.read(ar(members)))

    def test_bombs_take_little_memory(self) -> None:
        """Whatever it would unpack to, no more is held than what may be: it is read in passing."""
        zeros = bytes(MAX_UNPACKED + 4 * 1024 * 1024)
        bombs = [packed_deb(PACKERS[suffix](zeros), suffix) for suffix in (".gz", ".xz", ".zst")]
        del zeros
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for bomb in bombs:
            self.assertIsNone(self.read(bomb))
        self.assertLess(tracemalloc.get_traced_memory()[1], 24 * 1024 * 1024)

    def test_other_compressions(self) -> None:
        """One that dpkg does not use for control data is no package."""
        self.assertIsNone(self.read(deb_of(CONTROL, pack=bz2.compress, suffix=".bz2")))
