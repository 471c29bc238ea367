"""What an archive's exported indexes say: all that apt knows of it.

Layer 3; tests in `tests/unit/uploads/test_index.py`. Blocks on the disk.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from buildfarm.uploads.paragraph import read_paragraph
from buildfarm.vocab.errors import UploadPostponed


@dataclass(frozen=True, slots=True)
class Entry:
    """A package as an index lists it; `filename` is relative to the archive."""

    version: str
    filename: str
    sha256: str


class PackageIndex:
    """One `Packages` file of a suite; `relative` is its path below `dists/<suite>/`.

    `exported` tells whether `Release`, and `InRelease` where there is one, vouch for this very
    content. Raises UploadPostponed for an index that cannot be read.
    """

    def __init__(self, suite_directory: Path, relative: str) -> None:
        try:
            content = (suite_directory / relative).read_bytes()
        except FileNotFoundError:
            content = b""
        self._where = str(suite_directory / relative)
        self._stanzas = content.split(b"\n\n")
        line = f" {hashlib.sha256(content).hexdigest()} {len(content)} {relative}\n".encode()
        releases = [
            path.read_bytes()
            for name in ("Release", "InRelease")
            if (path := suite_directory / name).exists()
        ]
        self.exported = bool(releases) and all(line in release for release in releases)

    def find(self, package: str) -> Entry | None:
        """The entry of a package, if it is listed."""
        line = f"\nPackage: {package}\n".encode()
        for stanza in self._stanzas:
            if line in b"\n" + stanza:
                return _entry(read_paragraph(stanza, self._where), self._where)
        return None


def _entry(fields: Mapping[str, str], where: str) -> Entry:
    try:
        return Entry(fields["version"], fields["filename"], fields["sha256"])
    except KeyError as error:
        raise UploadPostponed(f"{where} lacks the field {error} of a package.") from error


def index_path(component: str, architecture: str, *, udeb: bool) -> str:
    """Where the `Packages` file is, below `dists/<suite>/`."""
    installer = "debian-installer/" if udeb else ""
    return f"{component}/{installer}binary-{architecture}/Packages"
