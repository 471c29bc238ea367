"""A source package from its files to builds that wait: the one way in.

Layer 4. Used by the command line and by the web service alike. Whatever is wrong is found before
anything is kept: a refused submission leaves neither rows nor files.
Tests: tests/unit/intake/test_submit.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from twisted.internet.defer import DeferredLock

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
        self._one_at_a_time = DeferredLock()

    async def submit(self, offer: Offer, actor: str) -> tuple[int, ...]:
        """Check, keep and queue what is offered; the ids of the builds.

        Raises Refused with the reason, in which case nothing was kept.
        """
        package = await self._workers.run(check_source, offer.dsc_name, offer.files)
        archive = await self._transactor.read(archives.archive_named, offer.archive)
        submission = Submission(
            source=package,
            archive=offer.archive,
            suite=offer.suite,
            builds=wanted_builds(package, archive, offer.architectures),
            score=offer.score,
            requester=offer.requester,
        )
        # One at a time, so that what is taken back after a refusal is nobody else's.
        await self._one_at_a_time.acquire()
        try:
            return await self._keep_and_queue(submission, offer.files, actor)
        finally:
            self._one_at_a_time.release()

    async def _keep_and_queue(
        self, submission: Submission, files: Mapping[str, BinaryIO], actor: str
    ) -> tuple[int, ...]:
        digests = [file.sha256 for file in submission.source.files]
        new = [digest for digest in digests if not self._filestore.has(digest)]
        try:
            await self._workers.run(keep_source, submission.source, files, self._filestore)
            return await self._transactor.write(builds.submit, submission, actor, self._utc_now())
        except BaseException:
            for digest in new:
                await self._workers.run(self._filestore.remove, digest)
            raise
