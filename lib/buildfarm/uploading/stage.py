"""The upload stage: takes builds in UPLOADING from the database and has them published.

Layer 4; DESIGN section 3, steps 8 and 9, and section 8. Tests: tests/unit/uploading/test_stage.py.

The database is the queue, so a restart loses nothing and nothing is uploaded by two. Publishing
blocks for as long as the archive likes, in a thread of its own pool, while a child does the work;
when every thread is busy with a hung archive, scanning, dispatch and gathering do not notice.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import blockingCallFromThread
from twisted.logger import Logger

from buildfarm.flow.threads import Workers
from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage import uploads
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.uploading.lanes import Lanes
from buildfarm.vocab.announcements import Announcement, UploadWaiting
from buildfarm.vocab.errors import DiskFull, FarmError, StaleState, Stopped, UploadRefused
from buildfarm.vocab.settings import Settings, UploadSettings
from buildfarm.vocab.upload import ResultFile, UploadTask, spool_name

#: Seconds after which the database is asked again although nobody said that an upload is due.
_LONGEST_SLEEP = 30.0

#: How many due uploads are read at once.
_READ = 128


class _End(Enum):
    """How one try of an upload ended."""

    PUBLISHED = "published, and recorded as that"
    NOT_PUBLISHED = "refused, postponed or not ours any more; recorded as that"
    UNRECORDED = "the database says that it is due"


class Publish(Protocol):
    """Checks and publishes results, blocking; `uploads.publishing.publish` with its settings."""

    def __call__(
        self,
        task: UploadTask,
        results: tuple[ResultFile, ...],
        commit_prepared: Callable[[], None],
    ) -> None:
        """Return once published; raise UploadRefused or UploadPostponed."""


def retry_delay(tries: int, settings: UploadSettings, spread: float) -> float:
    """Seconds until the next try after `tries` of them: doubling, bounded, `spread` in 0 … 1."""
    delay = min(settings.first_retry * 2.0 ** min(tries, 30), settings.longest_retry)
    return delay * (0.75 + 0.5 * spread)


def results_of(task: UploadTask, spool_dir: Path) -> tuple[ResultFile, ...]:
    """Where the gathered files of `task` are: under numbers, in the order of their names."""
    spool = spool_dir / task.attempt.spool
    return tuple(
        ResultFile(file.name, spool / spool_name(number), file.size, file.sha256)
        for number, file in enumerate(task.attempt.files, 1)
    )


class UploadStage:
    """Publishes what is due, at most `settings.threads` at once and one per archive."""

    log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        storage: Transactor,
        epoch: Epoch,
        workers: Workers,
        publish: Publish,
        spool_dir: Path,
        settings: UploadSettings,
        utc_now: Callable[[], datetime],
        checkpoint: Callable[[str], None],
        spread: Callable[[], float] = random.random,
        wait_in_thread: Callable[..., Any] = blockingCallFromThread,
    ) -> None:
        """`spread` gives numbers in 0 … 1 that keep retries from coming together.

        `wait_in_thread(reactor, call)` has the reactor call and waits for what comes of it.
        """
        self._reactor = reactor
        self._storage = storage
        self._epoch = epoch
        self._workers = workers
        self._publish = publish
        self._spool_dir = spool_dir
        self.settings = settings
        self._utc_now = utc_now
        self._checkpoint = checkpoint
        self._spread = spread
        self._wait_in_thread = wait_in_thread
        self._lanes = Lanes()
        #: How tries have ended since the start: published, refused, postponed.
        self.ends: Counter[str] = Counter()
        self._wakeup = Wakeup(reactor)
        self._uploads: set[Deferred[None]] = set()
        # Builds whose upload ended while the database was being read: what was read is too old.
        self._ended_meanwhile: set[int] = set()
        self._stopping = False
        self._running: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """Uploads that are held in memory and not begun."""
        return self._lanes.waiting

    @property
    def running(self) -> int:
        """Uploads under way."""
        return self._lanes.running

    def start(self) -> None:
        """Take up what is due, beginning with what an earlier manager left."""
        self._running = Deferred.fromCoroutine(self._run())

    def publish(self, announcement: Announcement) -> None:
        """Look at the database again when a commit says that an upload waits."""
        if isinstance(announcement, UploadWaiting):
            self._wakeup.wake()

    def reload(self, settings: Settings) -> None:
        """Go on with these settings, but for the number of threads."""
        self.settings = replace(settings.uploads, threads=self.settings.threads)

    async def stop(self, grace: float) -> None:
        """Begin nothing more and wait up to `grace` seconds for the uploads under way.

        What has not ended by then, and what has not begun, is taken up again at the next start.
        """
        self._stopping = True
        self._wakeup.wake()
        if self._running is not None:
            await self._running
        ended = DeferredList(list(self._uploads), consumeErrors=True)
        ended.addTimeout(grace, self._reactor)
        await ended

    async def _run(self) -> None:
        while not self._stopping:
            sleep = _LONGEST_SLEEP
            try:
                sleep = await self._fill()
            except FarmError as error:
                self.log.warn("uploads that are due could not be read: {error}", error=error)
                sleep = self.settings.first_retry
            await self._wakeup.sleep(sleep)

    async def _fill(self) -> float:
        """Read what is due and begin as much as there is room for; seconds until the next look."""
        now = self._utc_now()
        self._ended_meanwhile.clear()
        due = await self._storage.read(uploads.uploads_due, now, _READ, self._lanes.supplied())
        self._lanes.add(task for task in due if task.build_id not in self._ended_meanwhile)
        self._begin()
        following = await self._storage.read(uploads.next_upload_time, now)
        if following is None:
            return _LONGEST_SLEEP
        return min(_LONGEST_SLEEP, max(0.05, (following - now).total_seconds()))

    def _begin(self) -> None:
        while not self._stopping and self._lanes.running < self.settings.threads:
            task = self._lanes.begin()
            if task is None:
                return
            upload = Deferred.fromCoroutine(self._upload(task))
            self._uploads.add(upload)
            upload.addBoth(self._forget, upload)

    def _forget(self, result: object, upload: Deferred[None]) -> None:
        self._uploads.discard(upload)

    async def _upload(self, task: UploadTask) -> None:
        """One try of one upload, and what follows from its end."""
        end = await self._end_of_try(task)
        self._lanes.end(task)
        self._ended_meanwhile.add(task.build_id)
        self._begin()
        if end is not _End.UNRECORDED:
            # Its lane may be short now, and what is due of it is in the database only. What was
            # not recorded is still due there: it is not tried again before the next look.
            self._wakeup.wake()
        if end is _End.PUBLISHED:
            spool = self._spool_dir / task.attempt.spool
            with suppress(Stopped):
                await self._workers.run(shutil.rmtree, spool, ignore_errors=True)

    async def _end_of_try(self, task: UploadTask) -> _End:
        """Have it tried and recorded, whatever goes wrong with that."""
        try:
            return await self._try(task)
        except CancelledError:
            return _End.UNRECORDED
        except StaleState as error:
            self.log.warn("{title}: {error}", title=task.title, error=error)
            return _End.NOT_PUBLISHED
        except FarmError as error:
            words = "upload of {title} was not recorded: {error}"
            self.log.warn(words, title=task.title, error=error)
        except Exception:  # noqa: BLE001 - it stays due and is tried again from the database
            self.log.failure("upload of {title} was not recorded", title=task.title)
        return _End.UNRECORDED

    async def _try(self, task: UploadTask) -> _End:
        attempt_id = task.attempt.id

        def prepared() -> Deferred[None]:
            now = self._utc_now()
            return Deferred.fromCoroutine(
                self._storage.write(uploads.mark_prepared, self._epoch, attempt_id, now)
            )

        def commit_prepared() -> None:
            self._wait_in_thread(self._reactor, prepared)

        results = results_of(task, self._spool_dir)
        try:
            await self._workers.run(self._publish, task, results, commit_prepared)
        except Stopped:
            return _End.UNRECORDED
        except UploadRefused as error:
            await self._refuse(task, str(error))
            return _End.NOT_PUBLISHED
        except DiskFull as error:
            await self._postpone(task, str(error))  # for as long as it takes: the fault is ours
            return _End.NOT_PUBLISHED
        except (FarmError, OSError) as error:
            await self._postpone_or_give_up(task, str(error))
            return _End.NOT_PUBLISHED
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of ours is tried again like a fault
            self.log.failure("upload of {title} failed", title=task.title)
            await self._postpone_or_give_up(task, repr(error))
            return _End.NOT_PUBLISHED
        self._checkpoint("upload.published")
        await self._storage.write(uploads.mark_published, self._epoch, attempt_id, self._utc_now())
        self._checkpoint("upload.recorded")
        self.ends["published"] += 1
        self.log.info(
            "build={build} attempt={attempt} published: {title}",
            build=task.build_id,
            attempt=task.attempt.number,
            title=task.title,
        )
        return _End.PUBLISHED

    async def _refuse(self, task: UploadTask, reason: str) -> None:
        self.log.warn("build={build} not published: {reason}", build=task.build_id, reason=reason)
        await self._storage.write(
            uploads.refuse_upload, self._epoch, task.attempt.id, reason, self._utc_now()
        )
        self.ends["refused"] += 1

    async def _postpone_or_give_up(self, task: UploadTask, reason: str) -> None:
        tries = task.attempt.tries + 1
        if tries >= self.settings.max_tries:
            await self._refuse(task, f"given up after {tries} tries, the last one: {reason}")
        else:
            await self._postpone(task, reason)

    async def _postpone(self, task: UploadTask, reason: str) -> None:
        delay = retry_delay(task.attempt.tries, self.settings, self._spread())
        self.log.warn(
            "build={build} upload is tried again in {delay:.0f} s: {reason}",
            build=task.build_id,
            delay=delay,
            reason=reason,
        )
        await self._storage.write(
            uploads.postpone_upload,
            self._epoch,
            task.attempt.id,
            reason,
            self._utc_now() + timedelta(seconds=delay),
            self._utc_now(),
        )
        self.ends["postponed"] += 1
