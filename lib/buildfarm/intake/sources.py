"""A source package's files, checked against its `.dsc` and then kept.

Layer 4. Everything here blocks on the disk: it runs in the file threads. Checking and keeping are
two passes, so that a package that is refused leaves no file behind. Tests:
tests/unit/intake/test_sources.py.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from buildfarm.filestore.store import FileStore, Hold
from buildfarm.intake.dsc import MAX_DSC, NamedFile, read_dsc
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.submission import SourcePackage
from buildfarm.vocab.text import one_line

_PIECE = 1024 * 1024


def check_source(dsc_name: str, files: Mapping[str, BinaryIO]) -> SourcePackage:
    """The source package of the `.dsc` named `dsc_name`, after every file of it has been read.

    `files` are all the files by name, seekable, the `.dsc` among them. Raises Refused, naming the
    first file that is missing, not named, of another size or of another SHA-256.
    """
    if dsc_name not in files:
        raise Refused(f"{one_line(dsc_name)} is not among the files that were handed in.")
    contents = read_dsc(dsc_name, _start_of(dsc_name, files[dsc_name], MAX_DSC + 1))
    named = {file.name for file in contents.files}
    for name in files:
        if name != dsc_name and name not in named:
            raise Refused(f"{one_line(name)} is not named by {dsc_name}.")
    dsc = _measured(dsc_name, files[dsc_name], MAX_DSC)
    stored = [_checked(dsc_name, file, files.get(file.name)) for file in contents.files]
    return SourcePackage(
        contents.source,
        contents.version,
        contents.architecture,
        contents.binaries,
        (dsc, *stored),
    )


def keep_source(
    source: SourcePackage, files: Mapping[str, BinaryIO], store: FileStore | Hold
) -> None:
    """Put every file of the checked `source` into the store.

    Raises Refused where a file has changed since it was checked, DiskFull, and what reading raises.
    """
    for file in source.files:
        stream = files[file.name]
        stream.seek(0)
        store.add(stream, max_bytes=file.size, sha256=file.sha256, name=file.name)


def _checked(dsc_name: str, named: NamedFile, stream: BinaryIO | None) -> StoredFile:
    if stream is None:
        raise Refused(f"{dsc_name} names {named.name}, which is not there.")
    found = _measured(named.name, stream, named.size)
    if found.size > named.size:
        raise Refused(f"{named.name} is larger than the {named.size} bytes that {dsc_name} says.")
    if found.size < named.size:
        raise Refused(f"{named.name} has {found.size} bytes, but {dsc_name} says {named.size}.")
    if found.sha256 != named.sha256:
        raise Refused(f"{named.name} does not have the SHA-256 that {dsc_name} says.")
    return found


def _start_of(name: str, stream: BinaryIO, size: int) -> bytes:
    with _readable(name):
        stream.seek(0)
        return stream.read(size)


def _measured(name: str, stream: BinaryIO, expected: int) -> StoredFile:
    """The digests of a file; reading stops where it has become longer than `expected` bytes."""
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    size = 0
    with _readable(name):
        stream.seek(0)
        while size <= expected and (piece := stream.read(_PIECE)):
            size += len(piece)
            sha1.update(piece)
            sha256.update(piece)
    return StoredFile(name, size, sha1.hexdigest(), sha256.hexdigest())


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"{one_line(name)} cannot be read: {error.strerror}.") from error
