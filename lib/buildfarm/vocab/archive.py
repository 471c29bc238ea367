"""Archives that builds are published into, and the chroots that builds start from."""

from dataclasses import dataclass

from buildfarm.vocab.states import UploaderKind

#: What follows a series name in a suite, as on Debian and Ubuntu; no suffix is the release pocket.
POCKETS = ("security", "updates", "proposed", "backports")


def split_suite(suite: str) -> tuple[str, str]:
    """`bookworm-security` as (`bookworm`, `security`); a plain series is in pocket `release`."""
    series, dash, pocket = suite.rpartition("-")
    if dash and series and pocket in POCKETS:
        return series, pocket
    return suite, "release"


@dataclass(frozen=True, slots=True)
class ArchiveSnapshot:
    """One archive. `bases` are complete `deb …` lines given to builds before the archive's own.

    `trusted_keys` are armored public keys; `path` is the uploader's directory; `key_id` is the
    fingerprint that signs a `reprepro` archive, None for an unsigned one. `nominated_architecture`
    builds `Architecture: all`. Builds of a `virtualized` archive run on virtual builders only.
    """

    id: int
    name: str
    distribution: str
    suites: tuple[str, ...]
    architectures: tuple[str, ...]
    nominated_architecture: str
    component: str
    bases: tuple[str, ...]
    trusted_keys: tuple[str, ...]
    uploader: UploaderKind
    path: str
    key_id: str | None
    private: bool
    virtualized: bool


def source_line(archive: ArchiveSnapshot, suite: str, url: str) -> str:
    """The line by which apt reads `archive` at `url`.

    Without a signing key apt is told to trust it; with one, the key is among its trusted keys.
    """
    option = "" if archive.key_id else "[trusted=yes] "
    return f"deb {option}{url} {suite} {archive.component}"


@dataclass(frozen=True, slots=True)
class NewArchive:
    """An archive as an operator describes it, before it has a row; see `ArchiveSnapshot`."""

    name: str
    distribution: str
    suites: tuple[str, ...]
    architectures: tuple[str, ...]
    nominated_architecture: str
    uploader: UploaderKind
    path: str
    component: str = "main"
    bases: tuple[str, ...] = ()
    trusted_keys: tuple[str, ...] = ()
    key_id: str | None = None
    private: bool = False
    virtualized: bool = False


@dataclass(frozen=True, slots=True)
class ChrootSnapshot:
    """The base tarball of one distribution, series and architecture, in the file store."""

    distribution: str
    series: str
    architecture: str
    image_type: str
    size: int
    sha1: str
    sha256: str
