"""What a `.dsc` says, read from a stranger's bytes.

Layer 4, pure. The file may be clear-signed or not; a signature is **not** verified: who may submit
is decided by who can reach the control socket, or has that right over the web service. Every name
is checked before it is used for anything, since it becomes a path on the builder. Tests:
tests/unit/intake/test_dsc.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debian.deb822 import Dsc

from buildfarm.flow.plainfiles import open_plain
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_file_name, is_name
from buildfarm.vocab.text import one_line

#: Bytes of a `.dsc`; that of Debian's kernel, the largest there is, has about 200 kB.
MAX_DSC = 256 * 1024

#: Files that one `.dsc` may name; the control socket hands on a few more than that.
MAX_NAMED = 150

#: Bytes of one source file, and of all files of a package together.
MAX_FILE_BYTES = 4 * 1024**3
MAX_TOTAL_BYTES = 8 * 1024**3

_FIELDS = ["Source", "Version", "Architecture", "Binary", "Checksums-Sha256"]

# Debian Policy 5.6.12, without the colons that it allows in an upstream version: they would not
# survive in file names.
_VERSION = re.compile(r"(?:[0-9]{1,9}:)?[0-9A-Za-z][0-9A-Za-z.+~-]{0,199}")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as the `.dsc` names it; `size` in bytes, the digest in lower-case hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DscContents:
    """The fields of a `.dsc` that the farm uses, checked; see `vocab.submission.SourcePackage`."""

    source: str
    version: str
    architecture: tuple[str, ...]
    binaries: tuple[str, ...]
    files: tuple[NamedFile, ...]


def read_dsc(name: str, content: bytes) -> DscContents:
    """What the `.dsc` of this name and content says; raises Refused with what is wrong with it."""
    if not (is_file_name(name) and name.endswith(".dsc")):
        raise Refused(f"{one_line(name)} is not the name of a .dsc file.")
    if len(content) > MAX_DSC:
        raise Refused(f"{name} is larger than the {MAX_DSC} bytes that a .dsc may have.")
    try:
        fields = Dsc(content.decode(), fields=_FIELDS)
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is not UTF-8 text.") from error
    except (ValueError, EOFError) as error:
        raise Refused(f"{name} is not of a .dsc's form: {one_line(str(error))}.") from error
    return DscContents(
        source=_checked(name, "Source", _text(name, fields, "Source"), is_name),
        version=_checked(name, "Version", _text(name, fields, "Version"), _VERSION.fullmatch),
        architecture=tuple(
            _checked(name, "Architecture", word, _ARCHITECTURE.fullmatch)
            for word in _text(name, fields, "Architecture").split()
        ),
        binaries=tuple(
            _checked(name, "Binary", word, is_name)
            for word in _text(name, fields, "Binary").replace(",", " ").split()
        ),
        files=tuple(_named_files(name, fields)),
    )


def _text(name: str, fields: Any, field: str) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{name} has no {field} field; is it the .dsc of a source package?")
    return value.strip()


def _checked(name: str, field: str, word: str, is_good: Callable[[str], object]) -> str:
    if not is_good(word):
        raise Refused(f"{name}: {one_line(word, 100)} cannot stand in the field {field}.")
    return word


def _named_files(name: str, fields: Any) -> Iterator[NamedFile]:
    """The files of `Checksums-Sha256`, each name once and none that of the `.dsc` itself."""
    entries = fields.get("Checksums-Sha256") or []
    entries = entries if isinstance(entries, list) else [entries]
    if not entries:
        raise Refused(f"{name} names no files in Checksums-Sha256.")
    if len(entries) > MAX_NAMED:
        raise Refused(f"{name} names more than {MAX_NAMED} files.")
    seen = {name}
    total = 0
    for entry in entries:
        found = _named_file(name, entry)
        total += found.size
        if found.name in seen:
            raise Refused(f"{name} names {found.name} twice.")
        if found.size > MAX_FILE_BYTES or total > MAX_TOTAL_BYTES:
            raise Refused(
                f"{name}: with {found.name} the source is larger than a package may be "
                f"({MAX_FILE_BYTES} bytes a file, {MAX_TOTAL_BYTES} together)."
            )
        seen.add(found.name)
        yield found


def _named_file(name: str, entry: Any) -> NamedFile:
    file_name, size, digest = (str(entry.get(key, "")) for key in ("name", "size", "sha256"))
    if not (_SIZE.fullmatch(size) and _SHA256.fullmatch(digest.lower())):
        raise Refused(f"{name}: a line of Checksums-Sha256 is not a digest, a size and a name.")
    if not is_file_name(file_name):
        raise Refused(f"{name} names a file {one_line(file_name, 100)!r}: not a plain file name.")
    return NamedFile(file_name, int(size), digest.lower())


def files_beside(dsc: Path) -> list[Path]:
    """The files that the `.dsc` at this path names, in its directory; they may not be there.

    For callers that hand a package in. Raises Refused for a `.dsc` that cannot be read.
    """
    try:
        with open_plain(dsc) as file:
            content = file.read(MAX_DSC + 1)
    except OSError as error:
        raise Refused(f"{dsc} cannot be read: {error.strerror}.") from error
    return [dsc.with_name(file.name) for file in read_dsc(dsc.name, content).files]
