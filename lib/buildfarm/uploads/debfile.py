"""The control data of a binary package file, read without trusting the file.

Layer 3; tests in `tests/unit/uploads/test_debfile.py`. For the check's child, which has the
file open: blocks on the disk, and leaves a bound on memory to the process.

As in `paragraph`, only what every reader reads alike is accepted, here of ar and tar: exactly the
three members of deb(5), and in the control archive plain files and directories without extended
headers, of which exactly one is `control`. The archive with the files is not opened.
"""

import gzip
import io
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

import zstandard

from buildfarm.uploads.paragraph import read_paragraph
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.text import one_line

#: Bytes of the control archive, as it is in the file and unpacked; Debian's largest have 2 and 15
#: million, for lists of checksums.
MAX_PACKED = 16 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024

#: Bytes of the file `control`, and members beside it.
MAX_CONTROL = 1024 * 1024
MAX_MEMBERS = 1000

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER_SIZE = 60
_DATA_MEMBERS = frozenset(f"data.tar{suffix}" for suffix in ("", ".gz", ".xz", ".zst", ".bz2"))
_BLOCK = tarfile.BLOCKSIZE
_PLAIN_TYPES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE})
_UNREADABLE = (
    EOFError,
    MemoryError,
    OSError,
    lzma.LZMAError,
    tarfile.TarError,
    zlib.error,
    zstandard.ZstdError,
)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


_UNPACKED: Mapping[str, Callable[[BinaryIO], _Stream]] = {
    "control.tar": lambda packed: packed,
    "control.tar.gz": lambda packed: gzip.GzipFile(fileobj=packed),
    "control.tar.xz": lambda packed: lzma.LZMAFile(packed, format=lzma.FORMAT_XZ),  # noqa: SIM115
    "control.tar.zst": lambda packed: zstandard.ZstdDecompressor().stream_reader(
        packed, read_across_frames=True
    ),
}


def read_control(file: BinaryIO, where: str) -> Mapping[str, str]:
    """The control fields of the package file that is open as `file`, names in lower case.

    `where` begins the sentence of the UploadRefused that is raised for a file that is no package,
    or one whose control archive is larger than any real one.
    """
    file.seek(0)
    name, packed = _control_archive(file, where)
    try:
        tar = _Bounded(_UNPACKED[name](io.BytesIO(packed)), where)
        control = _only_control(tar, where)
    except _UNREADABLE as error:
        why = one_line(str(error)) or type(error).__name__
        raise UploadRefused(f"{where} cannot be unpacked: {why}.") from error
    return read_paragraph(control, f"{where}: its control file")


def _control_archive(file: BinaryIO, where: str) -> tuple[str, bytes]:
    """Name and content of the second of exactly three members."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise UploadRefused(f"{where} is not a package file.")
    members = list(_ar_members(file, where))
    names = [name for name, _, _ in members]
    if not (
        len(names) == 3
        and names[0] == "debian-binary"
        and names[1] in _UNPACKED
        and names[2] in _DATA_MEMBERS
    ):
        found = one_line(", ".join(names))
        raise UploadRefused(f"{where} does not consist of the three parts of a package: {found}.")
    (_, start, length), (name, control_start, control_length), _ = members
    file.seek(start)
    if length != 4 or file.read(length) != b"2.0\n":
        raise UploadRefused(f"{where} is not in version 2.0 of the package format.")
    if control_length > MAX_PACKED:
        raise UploadRefused(f"{where} has a control archive of {control_length} bytes.")
    file.seek(control_start)
    return name, file.read(control_length)


def _ar_members(file: BinaryIO, where: str) -> Iterator[tuple[str, int, int]]:
    """Name, position and length of each ar member, of which a package has three."""
    position = file.tell()
    end = file.seek(0, io.SEEK_END)
    for _ in range(4):
        if position == end:
            return
        file.seek(position)
        header = file.read(_AR_HEADER_SIZE)
        name, digits = header[:16].rstrip(b" ").removesuffix(b"/"), header[48:58].rstrip(b" ")
        if header[58:] != b"`\n" or not digits.isdigit():
            raise UploadRefused(f"{where} is a damaged package file.")
        start, length = position + _AR_HEADER_SIZE, int(digits)
        if start + length > end:
            raise UploadRefused(f"{where} is a package file that was cut off.")
        yield name.decode("ascii", "backslashreplace"), start, length
        position = min(start + length + length % 2, end)


class _Bounded:
    """An unpacked archive that is read to its end, and refused where that is too far."""

    def __init__(self, stream: _Stream, where: str) -> None:
        self._stream = stream
        self._where = where
        self._left = MAX_UNPACKED

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        parts: list[bytes] = []
        while size and (part := self._stream.read(min(size, 65536))):
            parts.append(part)
            size -= len(part)
            self._left -= len(part)
            if self._left < 0:
                raise UploadRefused(
                    f"{self._where} has a control archive that unpacks to more than "
                    f"{MAX_UNPACKED} bytes."
                )
        return b"".join(parts)


def _only_control(tar: _Bounded, where: str) -> bytes:
    """The content of the one member `control`."""
    found: bytes | None = None
    for _ in range(MAX_MEMBERS):
        header = tar.read(_BLOCK)
        if not header.strip(b"\0"):
            break
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        name = member.name.removeprefix("./")
        if not _is_plain(member, name):
            raise UploadRefused(
                f"{where} has something else than plain files in its control archive."
            )
        padded = -(-member.size // _BLOCK) * _BLOCK
        if name != "control":
            _skip(tar, padded)
        elif found is not None or not member.isreg() or member.size > MAX_CONTROL:
            raise UploadRefused(f"{where} has more than one, or no proper, control file.")
        else:
            found = tar.read(padded)[: member.size]
            if len(found) < member.size:
                raise EOFError("its control archive ends in the middle")
    else:
        raise UploadRefused(f"{where} has more than {MAX_MEMBERS} files in its control archive.")
    if found is None:
        raise UploadRefused(f"{where} has no control file.")
    while rest := tar.read(65536):
        if rest.strip(b"\0"):
            raise UploadRefused(f"{where} has something behind the end of its control archive.")
    return found


def _is_plain(member: tarfile.TarInfo, name: str) -> bool:
    """Whether every reader of tar takes this member for the same file or directory."""
    return (
        member.type in _PLAIN_TYPES
        and (member.size >= 0 if member.isreg() else member.size == 0)
        and name == posixpath.normpath(name)
        and not name.startswith(("/", ".."))
    )


def _skip(tar: _Bounded, size: int) -> None:
    while size > 0 and (part := tar.read(min(size, 65536))):
        size -= len(part)
