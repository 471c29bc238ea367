"""A farm in a database, without a manager: builds that wait, and builders that claim them."""

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from storm.expr import And, Desc, Select

from bench.backlog import copy_builder, queue_builds
from buildfarm.storage import attempts, roster
from buildfarm.storage.acts import Committed
from buildfarm.storage.archives import add_archive
from buildfarm.storage.attempts import Claim
from buildfarm.storage.chroots import set_chroot
from buildfarm.storage.condition import set_clean_status
from buildfarm.storage.epochs import begin_epoch
from buildfarm.storage.requirements import requirement_id
from buildfarm.storage.submissions import submit
from buildfarm.storage.tables import Queue
from buildfarm.vocab.archive import ChrootSnapshot, NewArchive
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.states import CleanStatus, UploaderKind
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

T = TypeVar("T")

NOW = datetime(2026, 1, 1)

ARCHITECTURE = "amd64"

#: What every builder offers; there are 8,192 different sets of it that a build can ask for.
OFFERED = tuple(f"resource{number:02}" for number in range(13))

#: What none offers.
_MISSING = ("gpu",)

#: Everything is as it was before any claim.
_GIVE_BACK = (
    "DELETE FROM attempt",
    "UPDATE queue SET state = 'WAITING' WHERE state = 'RUNNING'",
    "UPDATE build SET state = 'NEEDSBUILD', attempt_count = 0 WHERE state = 'BUILDING'",
    "UPDATE builder SET clean_status = 'CLEAN' WHERE clean_status = 'DIRTY'",
)


class QueueFarm:
    """`builders` idle builders of one kind, and a queue that grows.

    Measured in the one thread that has the store, as the manager's write thread would carry it out.
    """

    def __init__(self, store: Any, builders: int) -> None:
        self.store = store
        self.epoch = self._act(begin_epoch(store))
        self._build_id = self._furnish()
        self._fitting = self._requirements([()])
        self._unfit = self._requirements([_MISSING])
        first = roster.builder_named(store, "builder").id
        urls = [f"http://127.0.0.1:{number}" for number in range(10_000, 10_000 + builders - 1)]
        self._builders = [first, *copy_builder(store, "builder", urls)]

    def grow(self, total: int) -> None:
        """Let `total` builds wait, a fifth of them better than all others and for nobody."""
        queue_builds(self.store, self._build_id, total, self._fitting, self._unfit)

    def scatter(self, count: int) -> None:
        """Let what fits ask for `count` different things."""
        sets = [
            tuple(name for place, name in enumerate(OFFERED) if number >> place & 1)
            for number in range(1, count + 1)
        ]
        self._fitting = self._requirements(sets)
        self.store.execute(
            f"UPDATE queue SET requirement_id = {self._fitting.start} + build_id % {count} "
            f"WHERE requirement_id <> {self._unfit.start}",
            noresult=True,
        )
        self.store.commit()

    def last_of_all(self) -> int:
        """The build that goes last of those that fit: what asks for the most counting."""
        last = Select(
            Queue.build_id,
            And(Queue.state == "WAITING", Queue.requirement_id == self._fitting.start),
            order_by=(Queue.score, Desc(Queue.build_id)),
            limit=1,
        )
        build_id: int = self.store.execute(last).get_one()[0]
        self.store.rollback()
        return build_id

    def claim(self, count: int) -> tuple[float, float]:
        """Have the next `count` builders claim in one act; its seconds, without and with commit."""
        begun = time.perf_counter()
        claims = self.claims(self.store, count)
        done = time.perf_counter()
        self.store.commit()
        committed = time.perf_counter()
        if not all(claim.order for claim in claims):
            raise RuntimeError("a builder got nothing, though there is work that it fits")
        return done - begun, committed - begun

    def claims(self, store: Any, count: int) -> Sequence[Claim]:
        """The act itself, for the first builders in turn."""
        asking, self._builders = (
            self._builders[:count],
            [*self._builders[count:], *self._builders[:count]],
        )
        requests = [ClaimRequest(builder_id) for builder_id in asking]
        return attempts.claim(store, self.epoch, requests, NOW).value

    def give_back(self) -> None:
        """Let everything that was claimed wait again, and every builder be idle."""
        for statement in _GIVE_BACK:
            self.store.execute(statement, noresult=True)
        self.store.commit()

    def _act(self, committed: Committed[T]) -> T:
        self.store.commit()
        return committed.value

    def _requirements(self, sets: Sequence[tuple[str, ...]]) -> range:
        """The ids of new requirements, which ask for these resources."""
        ids = [requirement_id(self.store, ARCHITECTURE, False, names) for names in sets]
        self.store.commit()
        return range(ids[0], ids[-1] + 1)

    def _furnish(self) -> int:
        """One archive, one chroot, one builder and one build, by the ordinary verbs; its id."""
        store = self.store
        archive = NewArchive(
            "bench",
            "debian",
            ("bookworm",),
            (ARCHITECTURE,),
            ARCHITECTURE,
            UploaderKind.DIRECTORY,
            "/srv/bench",
        )
        self._act(add_archive(store, archive, "bench", NOW))
        file = StoredFile(
            "bench_1.0.dsc",
            5,
            hashlib.sha1(b"bench").hexdigest(),
            hashlib.sha256(b"bench").hexdigest(),
        )
        chroot = ChrootSnapshot(
            "debian", "bookworm", ARCHITECTURE, "chroot", 5, file.sha1, file.sha256
        )
        self._act(set_chroot(store, chroot, "bench", NOW))
        builder = NewBuilder(
            "builder", "http://127.0.0.1:9999", (ARCHITECTURE,), open_resources=OFFERED
        )
        added = self._act(roster.add_builder(store, builder, "bench", NOW))
        self._act(
            set_clean_status(
                store, self.epoch, added.id, CleanStatus.DIRTY, CleanStatus.CLEAN, "cleaned", NOW
            )
        )
        source = SourcePackage("bench", "1.0", ("any",), ("bench",), (file,))
        wanted = (WantedBuild(ARCHITECTURE, True),)
        submission = Submission(source, "bench", "bookworm", wanted, 0, "bench")
        return self._act(submit(store, submission, "bench", NOW))[0]
