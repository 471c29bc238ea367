"""What a `.changes` file says of the upload that it describes.

Layer 3; tests in `tests/unit/uploads/test_changes.py`. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from buildfarm.uploads.paragraph import read_paragraph, required
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.text import one_line

#: Bytes; the kernel's, with hundreds of packages, has a few hundred thousand.
MAX_CHANGES = 4 * 1024 * 1024

# `hello`, or `hello (2.10-3)` where the source's version is not the one beside it.
_SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")
_SIZE = re.compile(r"[0-9]{1,18}")

# The lists of files, and what the columns of each are.
_LISTS = {
    "Files": ("md5sum", "size", "section", "priority", "name"),
    "Checksums-Sha1": ("sha1", "size", "name"),
    "Checksums-Sha256": ("sha256", "size", "name"),
}


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the `.changes` lists it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Changes:
    """A `.changes` file's statement of what was built; `files` is by name."""

    source: str
    source_version: str
    version: str
    architectures: frozenset[str]
    files: Mapping[str, ListedFile]


def read_changes(content: bytes, where: str) -> Changes:
    """Understand a `.changes` file; `where` begins the sentence of UploadRefused."""
    if len(content) > MAX_CHANGES:
        raise UploadRefused(f"{where} is larger than {MAX_CHANGES} bytes.")
    fields = read_paragraph(content, where)
    version = required(fields, "Version", where)
    source, source_version = named_source(required(fields, "Source", where), version, where)
    architectures = frozenset(required(fields, "Architecture", where).split())
    return Changes(source, source_version, version, architectures, _listed_files(fields, where))


def named_source(field: str, version: str, where: str) -> tuple[str, str]:
    """Source package and its version as a `Source` field beside a `Version` says them.

    They differ from the binary's version where it was rebuilt without changes (`2.10-3+b1`), or
    where a package gives itself another version.
    """
    match = _SOURCE.fullmatch(field)
    if match is None:
        raise UploadRefused(f"{where} has no proper Source field: {one_line(field)!r}.")
    return match[1], match[2] or version


def _listed_files(fields: Mapping[str, str], where: str) -> dict[str, ListedFile]:
    """The files of the three lists, which must be the same ones.

    Who installs an upload goes by the list of its choice, so none may name another file.
    """
    lists = [_rows(fields, field, where) for field in _LISTS]
    sizes = [{name: row["size"] for name, row in rows.items()} for rows in lists]
    if sizes[0] != sizes[1] or sizes[0] != sizes[2]:
        raise UploadRefused(f"{where} has lists of files that contradict each other.")
    return {name: ListedFile(int(row["size"]), row["sha256"]) for name, row in lists[2].items()}


def _rows(fields: Mapping[str, str], field: str, where: str) -> dict[str, dict[str, str]]:
    """The lines of one list by the name of the file."""
    rows: dict[str, dict[str, str]] = {}
    for line in fields.get(field.lower(), "").strip("\n").split("\n"):
        columns = line.split()
        row = dict(zip(_LISTS[field], columns, strict=False))
        if (
            len(columns) != len(_LISTS[field])
            or _SIZE.fullmatch(row["size"]) is None
            or row["name"] in rows
        ):
            raise UploadRefused(f"{where} has a wrong line in {field}: {one_line(line)!r}.")
        rows[row["name"]] = row
    return rows
