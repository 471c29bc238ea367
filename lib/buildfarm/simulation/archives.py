"""Simulated archives.

Beside the layers. Tests: tests/unit/simulation.

Into an archive of the kind `directory` the manager's own uploader publishes, on a real directory.
What reprepro would do is modelled: a pool and an index, changed in steps, with the marker that
tells the next try of one cut off. Each archive keeps a ledger of what its readers saw, which is
what the invariants believe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Protocol

from buildfarm.uploads.directory import INCOMING, OUTGOING, publish_into_directory
from buildfarm.uploads.jobs import UploadJob
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.states import UploaderKind

Report = Callable[[str], None]


class Occupant(Protocol):
    """Who holds an archive's lock."""

    def close(self) -> None:
        """Be killed, and let go."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a reader of an archive found new in it: the files of one upload, by SHA-256."""

    time: float
    cookie: str
    files: Mapping[str, str]


@dataclass(slots=True)
class Archive:
    """One archive. `trouble` is what is wrong with it now: `refuses` or `hangs`, for a while."""

    name: str
    root: Path
    deliveries: list[Delivery] = field(default_factory=list)
    trouble: str | None = None
    #: The upload child that is at work on it.
    busy: "Occupant | None" = None

    def publish(self, job: UploadJob, report: Report, now: Callable[[], float]) -> None:
        """Publish into a directory, by the manager's own uploader."""
        publish_into_directory(job.task, job.results, report=report)

    def read(self, now: float) -> None:
        """A reader takes what is in `incoming`."""
        for upload in sorted((self.root / INCOMING).iterdir()):
            files = {path.name: digest_of(path) for path in sorted(upload.iterdir())}
            self.deliveries.append(Delivery(now, upload.name, files))
            rmtree(upload)

    def prepare(self) -> None:
        """Make its directories."""
        for name in (INCOMING, OUTGOING):
            (self.root / name).mkdir(parents=True)


@dataclass(slots=True)
class PooledArchive(Archive):
    """An archive of the kind `reprepro`: what is published is in its pool and in its index."""

    pool: dict[str, str] = field(default_factory=dict)
    index: dict[str, str] = field(default_factory=dict)
    #: The pool as it was before the include under way.
    marker: dict[str, str] | None = None

    def publish(self, job: UploadJob, report: Report, now: Callable[[], float]) -> None:
        """Include, export and commit, after taking back what was cut off before."""
        if self.marker is not None:
            self.pool, self.marker = self.marker, None
        files = {file.name: digest_of(file.path) for file in job.results}
        there = {name: self.index[name] for name in files if name in self.index}
        if there == files:
            return
        if there:
            raise UploadRefused(f"{', '.join(sorted(there))} is published with other contents.")
        self.marker = dict(self.pool)
        report("upload.marked")
        self.pool |= files
        report("upload.included")
        self.index |= files
        self.deliveries.append(Delivery(now(), job.task.attempt.cookie, files))
        report("upload.exported")
        self.marker = None

    def read(self, now: float) -> None:
        """Readers use the index; what it gets new is noted when it gets it."""

    def prepare(self) -> None:
        """It is all in memory."""


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return sha256(path.read_bytes()).hexdigest()


def make_archive(name: str, kind: UploaderKind, root: Path) -> Archive:
    """An empty archive of this kind."""
    archive = (PooledArchive if kind is UploaderKind.REPREPRO else Archive)(name, root)
    archive.prepare()
    return archive
