"""A farm in a database of its own, and short words for what happens in it."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.task import Clock

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.storage import (
    archives,
    attempts,
    builds,
    chroots,
    epochs,
    events,
    queue,
    roster,
    uploads,
)
from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import commit_group
from buildfarm.storage.database import Database
from buildfarm.storage.epochs import Epoch
from buildfarm.verdicts import settling
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.archive import ArchiveSnapshot, ChrootSnapshot, NewArchive
from buildfarm.vocab.build import BuildOrder, BuildSnapshot, StoredFile
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.settlement import Settlement
from buildfarm.vocab.states import BuildOutcome, BuildState, UploaderKind
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

P = ParamSpec("P")
T = TypeVar("T")

ARCHITECTURES = ("amd64", "arm64", "i386")


def stored(name: str, contents: str = "") -> StoredFile:
    """A file of this name, whose digests are those of `contents` or else of the name."""
    data = (contents or name).encode()
    return StoredFile(
        name, len(data), hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()
    )


def source(name: str = "hello", version: str = "1.0-1", contents: str = "") -> SourcePackage:
    """A source package of one binary."""
    dsc = stored(f"{name}_{version}.dsc", contents or f"{name} {version}")
    return SourcePackage(name, version, ("any",), (name,), (dsc, stored(f"{name}.tar.xz")))


def new_archive(name: str = "main", **fields: Any) -> NewArchive:
    """An archive with two suites and three architectures, published into a directory."""
    description: dict[str, Any] = {
        "name": name,
        "distribution": "debian",
        "suites": ("bookworm", "bookworm-security"),
        "architectures": ARCHITECTURES,
        "nominated_architecture": "amd64",
        "uploader": UploaderKind.DIRECTORY,
        "path": f"/srv/{name}",
        **fields,
    }
    return NewArchive(**description)


def submission(
    name: str = "hello",
    version: str = "1.0-1",
    architectures: tuple[str, ...] = ("amd64",),
    *,
    archive: str = "main",
    suite: str = "bookworm",
    score: int = 0,
    contents: str = "",
) -> Submission:
    """A submission of one source package, by alice."""
    return Submission(
        source=source(name, version, contents),
        archive=archive,
        suite=suite,
        builds=tuple(WantedBuild(tag, tag == "amd64") for tag in architectures),
        score=score,
        requester="alice",
    )


class Happenings:
    """What can happen in a farm, in short words, for whatever has a store open and a clock."""

    clock: Clock
    store: Any
    epoch: Epoch
    announced: list[Announcement]

    def now(self) -> datetime:
        """The wall time by the clock, in naive UTC."""
        return BEGINNING + timedelta(seconds=self.clock.seconds())

    # Acts and queries.

    def act(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Commit one act; its value. Its announcements are the last in `announced`."""
        [outcome] = commit_group(self.store, [lambda store: act(store, *args, **kwargs)])
        if outcome.error is not None:
            raise outcome.error
        assert outcome.committed is not None
        self.announced = list(outcome.committed.announcements)
        value: T = outcome.committed.value
        return value

    def begin_epoch(self) -> None:
        """Start the manager, again if it was started before."""
        self.epoch = self.act(epochs.begin_epoch)

    def ask(self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a query about what is committed."""
        try:
            return query(self.store, *args, **kwargs)
        finally:
            self.store.rollback()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of an SQL statement."""
        try:
            return list(self.store.execute(statement).get_all())
        finally:
            self.store.rollback()

    def pass_time(self, seconds: float) -> None:
        """Let `utc_now` move on."""
        self.clock.advance(seconds)

    # What the farm consists of.

    def add_archive(self, name: str = "main", **fields: Any) -> ArchiveSnapshot:
        """Add an archive, with a chroot for every architecture of its distribution."""
        archive = self.act(archives.add_archive, new_archive(name, **fields), "root", self.now())
        for architecture in archive.architectures:
            tarball = stored(f"{archive.distribution}-{architecture}.tar")
            chroot = ChrootSnapshot(
                archive.distribution,
                "bookworm",
                architecture,
                "chroot",
                tarball.size,
                tarball.sha1,
                tarball.sha256,
            )
            self.act(chroots.set_chroot, chroot, "root", self.now())
        return archive

    def add_builder(
        self, name: str = "bob", *, clean: bool = True, **fields: Any
    ) -> BuilderSnapshot:
        """Add a builder for amd64, CLEAN unless said otherwise."""
        fields.setdefault("processors", ("amd64",))
        new = NewBuilder(name, f"http://{name}.example:8221", **fields)
        self.act(roster.add_builder, new, "root", self.now())
        if clean:
            self.act(roster.change_builder, name, {"clean_status": "CLEAN"}, "root", self.now())
        return self.builder(name)

    def submit(self, *args: Any, **kwargs: Any) -> int:
        """Submit a source package; the id of its first build."""
        return self.act(builds.submit, submission(*args, **kwargs), "alice", self.now())[0]

    # What happens to builds.

    def claim(self, *builder_ids: int, becomes_clean: bool = False) -> list[BuildOrder | None]:
        """Let these builders ask for work together; the order of each."""
        requests = [ClaimRequest(builder_id, becomes_clean) for builder_id in builder_ids]
        claims = self.act(attempts.claim, self.epoch, requests, self.now())
        return [claim.order for claim in claims]

    def start(self, builder: BuilderSnapshot) -> BuildOrder:
        """Have `builder` take the best waiting build and confirm it."""
        [order] = self.claim(builder.id, becomes_clean=True)
        assert order is not None
        self.act(attempts.mark_sent, self.epoch, order.attempt.id, self.now())
        return order

    def settle(self, settlement: Settlement) -> BuilderSnapshot | None:
        """Apply a verdict."""
        return self.act(attempts.settle, self.epoch, settlement, self.now())

    def end(self, order: BuildOrder, outcome: BuildOutcome, **kwargs: Any) -> None:
        """Let the builder of `order` say that the build ended so."""
        builder = self.ask(roster.builder, order.attempt.builder_id)
        verdict = settling.settle_outcome(builder, order.standing, outcome, self.now(), **kwargs)
        self.settle(verdict)

    def gather(self, order: BuildOrder) -> None:
        """Let the build of `order` end well, with a log and results on our disk."""
        name = f"hello_{order.attempt.build_id}.changes"
        self.end(
            order, BuildOutcome.OK, log=stored(f"log-{order.attempt.id}"), files=(stored(name),)
        )

    def lose(self, order: BuildOrder) -> None:
        """Let the builder of `order` have forgotten it."""
        builder = self.ask(roster.builder, order.attempt.builder_id)
        self.settle(settling.settle_lost(builder, order.standing, "it answered IDLE", self.now()))

    def publish(self, order: BuildOrder) -> None:
        """Let the results of `order`, which were gathered, be published."""
        self.act(uploads.mark_prepared, self.epoch, order.attempt.id, self.now())
        self.act(uploads.mark_published, self.epoch, order.attempt.id, self.now())

    # What became of it.

    def build(self, build_id: int) -> BuildSnapshot:
        """The build as it is committed."""
        return self.ask(builds.build, build_id)

    def state(self, build_id: int) -> BuildState:
        """The state of a build."""
        return self.build(build_id).state

    def builder(self, name: str) -> BuilderSnapshot:
        """The builder as it is committed."""
        return self.ask(roster.builder_named, name)

    def is_queued(self, build_id: int) -> bool:
        """Whether the build has a queue entry."""
        return self.ask(queue.queue_entry, build_id) is not None

    def story(self, build_id: int) -> list[str]:
        """The transitions of a build and its attempts, oldest first, as `BEFORE>AFTER`."""
        return [
            f"{event.before or ''}>{event.after}"
            for event in self.ask(events.events_of_build, build_id)
            if event.after
        ]

    def later(self, seconds: float) -> Any:
        """The time in so many seconds."""
        return self.now() + timedelta(seconds=seconds)


class StorageTestCase(Happenings, FarmTestCase):
    """Each test has a database of its own, with one archive and its chroots, in epoch 1."""

    #: Where the database is.
    uri: str

    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.database = self.make_database()
        self.open_store()
        self.announced = []
        self.begin_epoch()
        self.add_archive()

    def make_database(self) -> Database:
        """A database with a farm that `init` has made; tests/contract/storage has another kind."""
        self.uri = f"sqlite:///{self.directory / 'farm.db'}"
        database = Database(self.uri)
        database.init()
        return database

    def elsewhere(self, statement: str) -> list[tuple[Any, ...]]:
        """What another connection answers to an SQL statement that only reads."""
        store = self.database.reader()
        try:
            return list(store.execute(statement).get_all())
        finally:
            store.close()

    def open_store(self) -> None:
        """Open the database for writing, until the test ends."""
        self.store = self.database.writer()
        self.addCleanup(self.store.close)


class SQLiteTestCase(StorageTestCase):
    """About SQLite itself, or its file: it has no twin on PostgreSQL."""

    @property
    def path(self) -> Path:
        """The file of the database."""
        assert self.database.path is not None
        return self.database.path
