"""Which package indexes a build's packages come from.

Those of the archive's base lines, as apt reads them, and the archive's own where apt can read
that. Layer 4, pure. Tests: tests/unit/depwait/test_indexes.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.secrets import without_secrets

_LINE = re.compile(
    r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)"
)

#: What an index can be fetched by.
SCHEMES = ("http://", "https://", "file:")


@dataclass(frozen=True, slots=True)
class Index:
    """One `Packages` file: below `directory`, which is a suite's, at `relative`, without suffix.

    `directory` is a URL without a slash at its end. A flat one has no `Release` that need vouch for
    it.
    """

    directory: str
    relative: str

    @property
    def place(self) -> str:
        """What records call it: its URL, without a password."""
        return without_secrets(f"{self.directory}/{self.relative}")


def base_indexes(bases: tuple[str, ...], architecture: str) -> tuple[Index, ...]:
    """The indexes of these `deb` lines for an architecture, each once; what is no line has none."""
    found = [index for line in bases for index in _of_line(line, architecture)]
    return tuple(dict.fromkeys(found))


def own_index(public: Path, archive: ArchiveSnapshot, suite: str, architecture: str) -> Index:
    """The index of an archive that is published at `public`."""
    return Index(
        f"{public.absolute().as_uri()}/dists/{suite}",
        f"{archive.component}/binary-{architecture}/Packages",
    )


def _of_line(line: str, architecture: str) -> Iterator[Index]:
    match = _LINE.fullmatch(line)
    if match is None or not match["uri"].startswith(SCHEMES):
        return
    options = dict(
        option.partition("=")[::2] for option in (match["options"] or "").split() if "=" in option
    )
    architectures = options.get("arch", architecture).split(",")
    if architecture not in architectures:
        return
    uri, suite = match["uri"].rstrip("/"), match["suite"].replace("$(ARCH)", architecture)
    if suite.endswith("/"):
        flat = suite.strip("/")
        yield Index(uri if flat in ("", ".") else f"{uri}/{flat}", "Packages")
        return
    for component in match["rest"].split():
        yield Index(f"{uri}/dists/{suite}", f"{component}/binary-{architecture}/Packages")
