"""Build logs in the file store: compressed, and readable from any place.

Layer 3; tests in `tests/unit/filestore/test_logs.py`. Blocks on the disk and computes: call it in
a worker thread.

A stored log is a valid gzip file of several members, each holding 1 MiB of the log (the last one
less). A member's header says in an extra field how long the member is, as BGZF does for smaller
ones; so the part around any position, or the end, is found without decompressing what precedes it,
and `zcat` reads the whole.
"""

import bisect
import itertools
import struct
import sys
import zlib
from typing import BinaryIO

from buildfarm.filestore.store import FileStore, Hold, Readable
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import FileRefused
from buildfarm.vocab.secrets import SecretFilter

#: Bytes of log in one member: large enough to compress well, small enough to skip to quickly.
MEMBER_SIZE = 1024 * 1024

#: What no member exceeds: what was held back of the one before comes on top.
_LARGEST_MEMBER = 2 * MEMBER_SIZE

#: Of gzip's 1 to 9; 3 was measured at half the time of the usual 6 and 15% more bytes.
_LEVEL = 3

# Magic, deflate, FEXTRA, no time, unknown system; 8 extra bytes: the field LM, 4 bytes of length.
_HEADER = struct.Struct("<4sIBBH2sHI")
_MAGIC = b"\x1f\x8b\x08\x04"
_FIELD = b"LM"
_TRAILER = struct.Struct("<II")


def store_log(
    store: FileStore | Hold, log: Readable, *, max_bytes: int, name: str = "buildlog"
) -> StoredFile:
    """Compress `log` into `store`; the answer's name is `name` with `.gz`, its size the compressed.

    Raises FileRefused for a log of more than `max_bytes`, and DiskFull.
    """
    return store.add(_Compressed(log, max_bytes), max_bytes=sys.maxsize, name=f"{name}.gz")


class StoredLog:
    """A stored log that can be read in parts; `file` is what `FileStore.open` returned.

    Positions and lengths are in bytes of the log as it was before compression. Closing is left to
    whoever opened the file. Raises FileRefused for a file that is no stored log.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members, sizes = _read_members(file)
        self._starts = [0, *itertools.accumulate(sizes)]

    @property
    def size(self) -> int:
        """The length of the whole log."""
        return self._starts[-1]

    def read(self, start: int, length: int) -> bytes:
        """The log from `start` on, `length` bytes or up to its end."""
        stop = min(start + length, self.size)
        parts: list[bytes] = []
        while start < stop:
            number = bisect.bisect_right(self._starts, start) - 1
            begin = self._starts[number]
            part = self._decompress(number)[start - begin : stop - begin]
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def tail(self, length: int) -> bytes:
        """The last `length` bytes of the log, or all of it."""
        return self.read(max(0, self.size - length), length)

    def _decompress(self, number: int) -> bytes:
        position, length = self._members[number]
        self._file.seek(position)
        size = self._starts[number + 1] - self._starts[number]
        member = zlib.decompressobj(wbits=31)
        try:
            plain = member.decompress(self._file.read(length), size + 1)
        except zlib.error as error:
            raise FileRefused(f"A stored log is damaged: {error}.") from error
        if len(plain) != size:
            raise FileRefused("A stored log is damaged: a part has not the length that it says.")
        return plain


class _Compressed:
    """What `log` holds but for secrets, compressed while it is read."""

    def __init__(self, log: Readable, max_bytes: int) -> None:
        self._log = log
        self._secrets = SecretFilter()
        self._max_bytes = max_bytes
        self._taken = 0
        self._begun = False
        self._ready = b""

    def read(self, size: int, /) -> bytes:
        if not self._ready:
            self._ready = self._next_member()
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece

    def _next_member(self) -> bytes:
        plain = self._log.read(MEMBER_SIZE)
        self._taken += len(plain)
        if self._taken > self._max_bytes:
            raise FileRefused(f"The build log is larger than {self._max_bytes} bytes.")
        clean = self._secrets.feed(plain) if plain else self._secrets.finish()
        if not clean and self._begun:
            return b"" if not plain else self._next_member()
        self._begun = True
        return _member(clean)


def _member(plain: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = compressor.compress(plain) + compressor.flush()
    length = _HEADER.size + len(deflated) + _TRAILER.size
    header = _HEADER.pack(_MAGIC, 0, 0, 255, 8, _FIELD, 4, length)
    return header + deflated + _TRAILER.pack(zlib.crc32(plain), len(plain))


def _read_members(file: BinaryIO) -> tuple[list[tuple[int, int]], list[int]]:
    """Where each member begins and how long it is, and how much of the log each holds."""
    members: list[tuple[int, int]] = []
    sizes: list[int] = []
    position = 0
    file.seek(0)
    while header := file.read(_HEADER.size):
        length = _member_length(header)
        file.seek(position + length - _TRAILER.size)
        trailer = file.read(_TRAILER.size)
        if len(trailer) < _TRAILER.size:
            raise FileRefused("A stored log ends in the middle.")
        members.append((position, length))
        sizes.append(_TRAILER.unpack(trailer)[1])
        if sizes[-1] > _LARGEST_MEMBER:
            raise FileRefused("A stored log is damaged: a part says to hold more than any has.")
        position += length
    return members, sizes


def _member_length(header: bytes) -> int:
    if len(header) == _HEADER.size:
        magic, _, _, _, _, field, _, length = _HEADER.unpack(header)
        if magic == _MAGIC and field == _FIELD and length > _HEADER.size + _TRAILER.size:
            return int(length)
    raise FileRefused("A file that should be a stored log is none.")
