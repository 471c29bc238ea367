"""A source package from its files to builds that wait: the one way in.

Layer 4. Used by the command line and by the web service alike. Whatever is wrong is found before
anything is kept: a refused submission leaves neither rows nor files.
Tests: tests/unit/intake/test_submit.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.intake.architectures import wanted_builds
from buildfarm.intake.sources import check_source, keep_source
from buildfarm.storage import archives, builds
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.submission import Submission


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody hands in. `files` are all of the package's files by name, the `.dsc` too.

    `architectures` limits the builds; none means all of the archive's. `score` is added to what
    the queue gives every build.
    """

    dsc_name: str
    files: Mapping[str, BinaryIO]
    archive: str
    suite: str
    architectures: tuple[str, ...]
    score: int
    requester: str


class Intake:
    """Takes submissions in, one package at a time in the file threads."""

    def __init__(
        self,
        transactor: Transactor,
        filestore: FileStore,
        workers: Workers,
        utc_now: Callable[[], datetime],
    ) -> None:
        self._transactor = transactor
        self._filestore = filestore
        self._workers = workers
        self._utc_now = utc_now
