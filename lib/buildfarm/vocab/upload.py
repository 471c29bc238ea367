"""What the upload stage needs to check and publish one build's results."""

from dataclasses import dataclass
from pathlib import Path

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.build import AttemptSnapshot


def spool_name(number: int) -> str:
    """The name in an attempt's spool of the result with this place (from 1) among the sorted names.

    Gathering writes under it and uploading reads under it: a builder's name never becomes a path.
    """
    return f"{number:04}"


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One gathered file: what the builder calls it, and where we keep it.

    `name` is a builder's text and may be anything; `path` is ours.
    """

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UploadTask:
    """One build in UPLOADING. `binaries` are the packages that its `.dsc` declares."""

    build_id: int
    title: str
    source: str
    version: str
    architecture: str
    arch_indep: bool
    suite: str
    component: str
    binaries: tuple[str, ...]
    archive: ArchiveSnapshot
    attempt: AttemptSnapshot
