"""Verbs on a farm with a real database, file store and threads, without a daemon."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.admin import verbs
from buildfarm.admin.farm import Caller, Farm, Live, OfferedFile
from buildfarm.assembly.sweeping import make_sweep
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.settings import ManagerSettings, Settings
from tests.unit.storage.cases import StorageTestCase


class FakeLive:
    """A daemon that knows of at most one running build, whose log is `log`."""

    def __init__(self) -> None:
        self.log: bytes | None = None
        self.watched: list[int] = []
        self.paused: tuple[str, ...] = ()
        self.failing: dict[int, str] = {}

    async def fetch_log(self, build_id: int, start: int, limit: int) -> bytes | None:
        """Part of the log."""
        return None if self.log is None else self.log[start : start + limit]

    def watching(self, build_id: int) -> AbstractContextManager[None]:
        """Note who is watched."""
        self.watched.append(build_id)
        return nullcontext()

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses."""
        return self.paused

    def troubles(self) -> dict[int, str]:
        """What builders do wrong."""
        return self.failing


class VerbTestCase(StorageTestCase):
    """`do` calls verbs as the control socket does, with files given as bytes by name."""

    #: Who asks.
    actor = "alice"

    def setUp(self) -> None:
        super().setUp()
        self.announcements: list[Announcement] = []
        self.transactor = Transactor(
            self.reactor, self.database, self.announcements.append, readers=2
        )
        self.workers = Workers(self.reactor, 2, 16, "files")
        for part in (self.transactor, self.workers):
            self.addCleanup(lambda part=part: Deferred.fromCoroutine(part.stop(10.0)))
        self.state_dir = self.directory / "state"
        self.live: Live | None = None
        self.filestore = FileStore(self.state_dir / "files")
        self.settings = Settings(
            manager=ManagerSettings(
                state_dir=self.state_dir, database=f"sqlite:///{self.directory / 'farm.db'}"
            )
        )
        self.settings.locks_dir.mkdir()
        self.parts: list[Any] = []

    def farm(self) -> Farm:
        """What the verbs work with."""
        return Farm(
            reactor=self.reactor,
            settings=self.settings,
            transactor=self.transactor,
            epoch=self.epoch,
            filestore=self.filestore,
            workers=self.workers,
            sweep=make_sweep(
                self.reactor,
                self.settings,
                self.transactor,
                self.filestore,
                self.workers,
                utc_now=self.now,
            ),
            utc_now=self.now,
            live=self.live,
        )

    async def do(
        self, verb: str, files: Mapping[str, bytes] | None = None, /, **params: Any
    ) -> Any:
        """The result of a verb."""

        async def send(part: Any) -> None:
            self.parts.append(part)

        offered = tuple(
            OfferedFile(name, io.BytesIO(content)) for name, content in (files or {}).items()
        )
        return await verbs.call(self.farm(), Caller(self.actor, offered, send), verb, params)

    async def refusal(
        self, verb: str, files: Mapping[str, bytes] | None = None, /, **params: Any
    ) -> str:
        """The sentence with which a verb is refused."""
        try:
            await self.do(verb, files, **params)
        except FarmError as error:
            return str(error)
        raise AssertionError(f"{verb} {params} was not refused")

    def kept(self) -> list[Path]:
        """Every file in the file store."""
        return [path for path in (self.state_dir / "files").rglob("*") if path.is_file()]
