"""The daemon, put together: everything is built and wired here, in the order in which it starts.

Layer 6. Each part is started as soon as it is made and stopped in the opposite order: first no
more commands come in, then the scanners end after the step they are at, then the uploads under
way; what was not uploaded waits in the database for the next start. Running builds go on.
Tests: tests/functional/assembly.
"""

import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.web.resource import Resource

from buildfarm.assembly.control import answer_commands
from buildfarm.assembly.depwaiting import DepWaiting
from buildfarm.assembly.ground import FILES_QUEUED, Ground, no_checkpoint
from buildfarm.assembly.listeners import for_builders, for_people, listening, receive_sources
from buildfarm.assembly.live import LiveFarm
from buildfarm.assembly.lock import wait_for_lock
from buildfarm.assembly.measures import Stage, of_pages, of_uploads, stage_of_pages, stages
from buildfarm.assembly.monitoring import Monitoring
from buildfarm.assembly.ownership import Ownership
from buildfarm.assembly.scanners import Scanners, wire_scanners
from buildfarm.assembly.surroundings import REAL, Surroundings
from buildfarm.assembly.sweeping import clear_away, wire_sweep
from buildfarm.assembly.telling import Telling
from buildfarm.assembly.uploading import wire_uploads
from buildfarm.assembly.walltime import utc_now
from buildfarm.depwait.stage import DepWaits
from buildfarm.filestore.passes import Passes
from buildfarm.filestore.store import FileStore
from buildfarm.filestore.tokens import Tokens, load_key
from buildfarm.flow.lifecycle import Sequence
from buildfarm.flow.threads import Workers
from buildfarm.identity.doorkeeper import Doorkeeper
from buildfarm.retention.sweep import Sweep
from buildfarm.storage.epochs import begin_epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.uploading.stage import UploadStage
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.vocab.settings import Settings
from buildfarm.webservice.site import MAX_BODY

#: Seconds in which everything stops; SIGTERM ends within 10 s (DESIGN section 5, rule 12).
_STOP_WITHIN = 9.0

#: Seconds of grace for the steps that scanners are at, uploads under way, and threads.
_SCANNERS_GRACE = 2.5
_UPLOADS_GRACE = 2.0
_THREADS_GRACE = 1.0


class FarmService(Service):
    """The whole manager as one Twisted service.

    It keeps the manager's lock while it runs; where another holds it, it does not start.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        checkpoint: Callable[[str], None] = no_checkpoint,
        surroundings: Surroundings = REAL,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._now = now
        self._checkpoint = checkpoint
        self._surroundings = surroundings
        self._parts = Sequence(reactor, _STOP_WITHIN)
        self._starting: Deferred[None] = Deferred()
        self._losing: Deferred[FarmError] = Deferred()
        self._reloading: list[Callable[[Settings], None]] = []
        #: The way to the database, once it is open.
        self.storage: Transactor | None = None

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Take the lock, then build and start everything."""
        super().startService()  # type: ignore[no-untyped-call]
        self._starting = Deferred.fromCoroutine(self._start())

    def when_running(self) -> Deferred[None]:
        """Fires when builders are scanned and commands answered, or with what prevents it.

        Refused where another manager holds the lock or the database cannot be used as it is.
        """
        running: Deferred[None] = Deferred()
        self._starting.addCallbacks(running.callback, running.errback)
        return running

    def when_lost(self) -> Deferred[FarmError]:
        """Fires with the reason when the farm is another manager's: this one has to stop."""
        return self._losing

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop everything in the opposite order; running builds go on."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._starting.cancel()
        return Deferred.fromCoroutine(self._parts.stop())

    def reload(self, settings: Settings) -> None:
        """Use the sections of `settings` that are not bound to what was made at start.

        These are [scanning] but the time-outs of calls, [resets] but `per_vm_host`, [gather] but
        `concurrent`, [uploads] but `threads`, [retention], [notifications], [mail], [[webhooks]],
        [depwait], and `min_free_bytes`.
        """
        for take in self._reloading:
            take(settings)

    def _stops(
        self, name: str, stop: Callable[[float], Coroutine[Any, Any, object]], grace: float
    ) -> None:
        """Have `stop(grace)` called when its turn comes, with a little more time than that."""
        self._parts.started(name, lambda: Deferred.fromCoroutine(stop(grace)), grace + 0.5)

    async def _start(self) -> None:
        lock = await wait_for_lock(self._reactor, self._settings)
        self._parts.started("lock", lock.leave, 1.0)
        sys.setswitchinterval(self._settings.manager.switch_interval)

        # What acts announce goes to whoever has subscribed by then.
        subscribers: list[Callable[[Announcement], None]] = []
        ground = await self._lay_ground(subscribers)
        self.storage = ground.storage
        files = for_builders(ground)
        await self._listen(self._settings.files.listen, files)
        scanners = wire_scanners(ground)
        monitoring = Monitoring(ground, scanners)
        dep_waits = DepWaiting(ground)
        await self._let_people_in(ground, scanners, monitoring, subscribers, dep_waits)

        # Uploads go on where the last manager left them.
        await clear_away(ground)
        uploads = self._upload_stage(ground)
        subscribers.append(uploads.publish)
        uploads.start()

        # What goes out, and what is tried again, by itself.
        for name, part in (("news", Telling(ground)), ("dep-waits", dep_waits)):
            self._reloading.append(part.reload)
            subscribers.append(part.publish)
            monitoring.stages.append(Stage(name, part.waiting))
            self._stops(name, part.stop, _THREADS_GRACE)
            part.start()

        # One scanner per builder.
        self._reloading.append(scanners.reload)
        subscribers.append(scanners.roster.publish)
        self._stops("scanners", scanners.stop, _SCANNERS_GRACE)
        await scanners.start()
        ground.passes.all_known()

        sweep = self._sweep_old(ground, scanners)
        control = await answer_commands(ground, scanners, sweep, self._reloading)
        self._parts.started("control socket", control.stop, 3.0)
        monitoring.show(of_uploads(uploads))
        monitoring.stages += stages(ground, scanners, uploads, control, files.files)
        monitoring.start()
        self._stops("monitoring", monitoring.stop, _THREADS_GRACE)
        ownership = Ownership(self._reactor, ground.storage, ground.epoch, self._losing.callback)
        ownership.start()
        self._parts.started("ownership", lambda: Deferred.fromCoroutine(ownership.stop()), 1.0)
        self.log.info(
            "started: epoch {epoch}, {builders} builders",
            epoch=ground.epoch.number,
            builders=len(scanners.roster.scanners),
        )

    async def _let_people_in(
        self,
        ground: Ground,
        scanners: Scanners,
        monitoring: Monitoring,
        subscribers: list[Callable[[Announcement], None]],
        dep_waits: DepWaits,
    ) -> None:
        """Status page, web service and archives, before anything is scanned."""
        doorkeeper = Doorkeeper(self._reactor, ground.storage, self._now)
        web, watch = self._settings.web, scanners.watch
        receiving = receive_sources(ground, lambda: watch.settings.manager.min_free_bytes)
        monitoring.stages.append(Stage("sources", lambda: receiving.at_once, web.max_uploads))
        people = for_people(
            ground,
            doorkeeper,
            LiveFarm(scanners.roster, scanners.pauses),
            receiving,
            health=monitoring.health.fetch_health,
            dep_waits=dep_waits,
        )
        monitoring.put_below(people.root)
        monitoring.show(of_pages(people))
        monitoring.stages.append(stage_of_pages(people))
        subscribers += [doorkeeper.publish, people.publish]
        await self._listen(
            web.listen,
            people.root,
            max_body=MAX_BODY,
            max_upload=web.max_upload,
            answered=monitoring.answered,
        )
        people.start()
        self._stops("status pages", people.stop, _THREADS_GRACE)

    def _sweep_old(self, ground: Ground, scanners: Scanners) -> Sweep:
        """What is older than `[retention]` says goes, now and then."""
        sweep = wire_sweep(ground, scanners)
        sweep.start()
        scanners.watch.when_short = sweep.soon
        self._stops("sweep", sweep.stop, _THREADS_GRACE)

        def keep(settings: Settings) -> None:
            sweep.settings = settings.retention

        self._reloading.append(keep)
        return sweep

    async def _lay_ground(self, subscribers: list[Callable[[Announcement], None]]) -> Ground:
        """The database, a new epoch, the file threads and the file store."""
        settings, reactor = self._settings, self._reactor
        for directory in (settings.spool_dir, settings.store_dir, settings.locks_dir):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)

        def announce(announcement: Announcement) -> None:
            for subscriber in subscribers:
                subscriber(announcement)

        make_crew = self._surroundings.make_crew
        database = self._surroundings.open_database(settings.database_uri)
        database.check()
        readers = settings.manager.database_threads
        storage = Transactor(reactor, database, announce, readers, make_crew)
        self._stops("database", storage.stop, _THREADS_GRACE)
        size = settings.manager.file_threads
        workers = Workers(reactor, size, FILES_QUEUED, "files", make_crew(size, "files"))
        self._stops("file threads", workers.stop, _THREADS_GRACE)
        tokens = Tokens(await workers.run(load_key, settings.token_key))
        return Ground(
            reactor=reactor,
            settings=settings,
            storage=storage,
            epoch=await storage.write(begin_epoch),
            store=FileStore(settings.store_dir),
            tokens=tokens,
            passes=Passes(tokens),
            workers=workers,
            utc_now=self._now,
            checkpoint=self._checkpoint,
            surroundings=self._surroundings,
        )

    async def _listen(self, address: str, resource: Resource, **limits: Any) -> None:
        try:
            port = await listening(self._reactor, address, resource, **limits)
        except (CannotListenError, OSError, ValueError, LookupError) as error:
            raise Refused(f"Nothing can listen at {address}: {error}") from error
        self._parts.started(f"listener {address}", port.stopListening, 1.0)

    def _upload_stage(self, ground: Ground) -> UploadStage:
        """The upload stage, which ends after its threads' grace and before what it works with."""
        uploads = wire_uploads(ground)
        for name, stop in uploads.tools:
            self._parts.started(name, stop, 2.0)
        self._stops("upload threads", uploads.workers.stop, _THREADS_GRACE)
        self._stops("uploads", uploads.stage.stop, _UPLOADS_GRACE)
        self._reloading.append(uploads.stage.reload)
        return uploads.stage


def make_service(
    reactor: Any,
    settings: Settings,
    *,
    checkpoint: Callable[[str], None] = no_checkpoint,
) -> FarmService:
    """The manager that `settings` describe, not yet started; see `FarmService`."""
    return FarmService(reactor, settings, checkpoint=checkpoint)
