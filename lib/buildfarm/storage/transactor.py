"""Acts and queries, awaited in the reactor thread and carried out in the database's threads.

    epoch = await transactor.write(begin_epoch)
    builders = await transactor.read(roster.builders)

One thread writes: it takes all acts that wait, up to a bound, into one transaction (`commits`).
What an act wants told is published here, in the reactor thread, after the commit and before the
caller goes on; never if it was rolled back. Queries run in other threads, each on a connection
that only reads and in a transaction of its own: it sees what was committed when it began.

Connections that are lost are replaced: acts and queries are whole, and are carried out again. While
there is no server to connect to they end with DatabaseAway; only acts whose commit was under way
when the connection was lost wait until the database can say what became of them (`writing`).

Layer 3. Tests: tests/functional/storage/test_transactor.py, tests/functional/storage/postgres.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger

from buildfarm.flow.reactors import ThreadReactor
from buildfarm.flow.threads import Crew, ThreadCrew, Workers
from buildfarm.metrics.histogram import Histogram
from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import Act, Outcome
from buildfarm.storage.reading import Readers
from buildfarm.storage.writing import PendingAct, Stores, Writer
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import FarmError, StorageError

P = ParamSpec("P")
T = TypeVar("T")

#: The most acts that share one commit: it bounds how long the first of them waits for the last.
MAX_GROUP = 64

#: The most acts that may wait; whoever comes then is refused, since the database cannot keep up.
MAX_WAITING = 10_000

#: Queries in the queue before the reader threads; callers beyond that wait outside it.
QUEUED_READS = 64

#: Seconds by which the time of commits is counted.
COMMIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: Seconds between two questions what became of a commit that is in doubt.
RESOLVE_INTERVAL = 1.0


class _Entry(PendingAct):
    """One act on its way through the write thread, and who waits for it."""

    __slots__ = ("done", "withdrawn")

    def __init__(self, act: Act) -> None:
        super().__init__(act)
        self.withdrawn = False
        self.done: Deferred[Any] = Deferred(self._withdraw)

    def _withdraw(self, _done: Deferred[Any]) -> None:
        self.withdrawn = True


class Transactor:
    """The one way to the database for everything that runs in the reactor."""

    log = Logger()

    def __init__(
        self,
        reactor: ThreadReactor,
        database: Stores,
        publish: Callable[[Announcement], None],
        readers: int = 4,
        make_crew: Callable[[int, str], Crew] = ThreadCrew,
    ) -> None:
        """`publish` is given each announcement of each committed act; it must not block.

        `make_crew` gives the threads of a pool, by size and name.
        """
        self._reactor = reactor
        self._publish = publish
        self._writing = _pool(reactor, 1, MAX_WAITING, "database writer", make_crew)
        self._reading = _pool(reactor, readers, QUEUED_READS, "database reader", make_crew)
        self._waiting: deque[_Entry] = deque()
        self._writer = Writer(database)
        self._readers = Readers(database)
        self._in_doubt: list[_Entry] = []
        self._resolving: Deferred[None] = succeed(None)
        self._committing_since: float | None = None
        #: Acts that were carried out, whatever became of them, and the times of their commits.
        self.acts = 0
        self.commit_seconds = Histogram(COMMIT_BOUNDS)

    @property
    def waiting(self) -> int:
        """How many acts wait for the next commit."""
        return len(self._waiting)

    @property
    def queries_waiting(self) -> int:
        """How many queries wait for a thread."""
        return self._reading.waiting

    @property
    def committing_for(self) -> float:
        """For how many seconds the acts that are under way are; 0 where none are."""
        since = self._committing_since
        return 0.0 if since is None else self._reactor.seconds() - since

    async def write(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out `act(store, *args, **kwargs)` and commit it; the value that it decided.

        Raises what the act raises (Refused, StaleState), StorageError or DiskFull where the
        database fails, DatabaseAway where it cannot be reached, Stopped after `stop`. A cancelled
        caller's act is not begun, unless it was begun already: then it is committed, and its
        announcements are published.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise StorageError(
                f"The database is {MAX_WAITING} acts behind and takes no more; is its disk slow?"
            )
        entry = _Entry(lambda store: act(store, *args, **kwargs))
        self._waiting.append(entry)
        Deferred.fromCoroutine(self._carry_out(entry))
        value: T = await entry.done
        return value

    async def read(
        self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer of `query(store, *args, **kwargs)` about what is committed now."""
        return await self._reading.run(
            self._readers.ask, lambda store: query(store, *args, **kwargs)
        )

    async def stop(self, deadline: float) -> None:
        """Finish what was asked for, for at most `deadline` seconds each way, and close.

        Acts that are in doubt end with an error; the next start reads what became of them.
        """
        self._resolving.cancel()
        finished = await self._writing.stop(deadline)
        finished &= await self._reading.stop(deadline)
        if not finished:
            self.log.warn("the database did not finish within {deadline} s", deadline=deadline)
            return
        self._readers.close()
        self._writer.close()

    async def _carry_out(self, entry: _Entry) -> None:
        try:
            # The thread works in order: when this returns, this entry has been taken, if not by
            # this call then with an earlier one's group.
            await self._writing.run(self._commit_waiting)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this caller's
            entry.outcome = Outcome(error=error)
        if entry.outcome is not None:
            self._finish(entry, entry.outcome)
            return
        self._in_doubt.append(entry)
        if self._resolving.called:
            self._resolving = Deferred.fromCoroutine(self._resolve())

    async def _resolve(self) -> None:
        """Ask what became of a commit until the database has said so, and tell who waits."""
        self.log.warn("a commit is in doubt: the database is asked for it until it answers")
        try:
            while self._in_doubt:
                await deferLater(self._reactor, RESOLVE_INTERVAL)  # type: ignore[arg-type]
                with suppress(FarmError):
                    await self._writing.run(self._writer.resolve)
                self._finish_known()
        except CancelledError:
            unknown = StorageError("It is not known whether this was committed before the stop.")
            for entry in self._in_doubt:
                entry.outcome = entry.outcome or Outcome(error=unknown)
            self._finish_known()

    def _finish_known(self) -> None:
        entries, self._in_doubt = self._in_doubt, []
        for entry in entries:
            if entry.outcome is None:
                self._in_doubt.append(entry)
            else:
                self._finish(entry, entry.outcome)

    def _finish(self, entry: _Entry, outcome: Outcome) -> None:
        if outcome.committed is not None:
            self._announce(outcome.committed.announcements)
        if entry.done.called:
            return
        if outcome.committed is not None:
            entry.done.callback(outcome.committed.value)
        else:
            entry.done.errback(outcome.error)

    def _announce(self, announcements: tuple[Announcement, ...]) -> None:
        for announcement in announcements:
            try:
                self._publish(announcement)
            except Exception:  # noqa: BLE001 - the act is committed, whoever cannot hear of it
                self.log.failure("{what} was not taken note of", what=announcement)

    def _commit_waiting(self) -> None:
        """In the write thread: commit what waits, as one group."""
        group: list[_Entry] = []
        while self._waiting and len(group) < MAX_GROUP:
            entry = self._waiting.popleft()
            if entry.withdrawn:
                entry.outcome = Outcome(error=StorageError("The act was withdrawn."))
            else:
                group.append(entry)
        if group:
            since = self._committing_since = self._reactor.seconds()
            self._writer.commit(group)
            self._committing_since = None
            self.acts += len(group)
            self.commit_seconds.observe(self._reactor.seconds() - since)


def _pool(
    reactor: ThreadReactor,
    size: int,
    bound: int,
    name: str,
    make_crew: Callable[[int, str], Crew],
) -> Workers:
    return Workers(reactor, size, bound, name, make_crew(size, name))
