"""A source package from its files to builds that wait: the one way in.

Layer 4. Used by the command line and by the web service alike. Whatever is wrong is found before
anything is kept: a refused submission leaves neither rows nor files. Where another submission of
the same package is faster by a moment, its files are those of this one too, or are collected as
files that nobody needs. Tests: tests/functional/admin/test_submit.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.intake.architectures import wanted_builds
from buildfarm.intake.sources import check_source, keep_source
from buildfarm.storage import archives, builds
from buildfarm.storage.rehearsal import rehearse
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.submission import Submission


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody hands in. `files` are all of the package's files by name, the `.dsc` too.

    `architectures` limits the builds; none means all of the archive's. A higher `score` goes first.
    """

    dsc_name: str
    files: Mapping[str, BinaryIO]
    archive: str
    suite: str
    architectures: tuple[str, ...]
    score: int
    requester: str


async def submit(
    offer: Offer,
    actor: str,
    now: datetime,
    *,
    transactor: Transactor,
    filestore: FileStore,
    workers: Workers,
) -> tuple[int, ...]:
    """Check, keep and queue what is offered; the ids of the builds.

    Raises Refused with the reason, in which case nothing is kept, and DiskFull.
    """
    archive = await transactor.read(archives.archive_named, offer.archive)
    source = await workers.run(check_source, offer.dsc_name, offer.files)
    submission = Submission(
        source=source,
        archive=offer.archive,
        suite=offer.suite,
        builds=wanted_builds(source, archive, offer.architectures),
        score=offer.score,
        requester=offer.requester,
    )
    await rehearse(transactor, builds.submit, submission, actor, now)
    with filestore.holding() as hold:
        await workers.run(keep_source, source, offer.files, hold)
        return await transactor.write(builds.submit, submission, actor, now)
