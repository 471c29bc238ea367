"""Acts and queries, awaited in the reactor thread and carried out in the database's threads.

    epoch = await transactor.write(begin_epoch)
    builders = await transactor.read(roster.builders)

One thread writes: it takes all acts that wait, up to a bound, into one transaction (`commits`).
What an act wants told is published here, in the reactor thread, after the commit and before the
caller goes on; never if it was rolled back. Queries run in other threads, each on a connection
that only reads and in a transaction of its own: it sees what was committed when it began.

Layer 3. Tests: tests/functional/storage/test_transactor.py.
"""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from buildfarm.flow.reactors import ThreadReactor
from buildfarm.flow.threads import Crew, ThreadCrew, Workers
from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import Act, Outcome, abandon, commit_group
from buildfarm.storage.database import Database
from buildfarm.storage.errors import translated
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import StorageError

P = ParamSpec("P")
T = TypeVar("T")

#: The most acts that share one commit: it bounds how long the first of them waits for the last.
MAX_GROUP = 64

#: The most acts that may wait; whoever comes then is refused, since the database cannot keep up.
MAX_WAITING = 10_000

#: Queries in the queue before the reader threads; callers beyond that wait outside it.
QUEUED_READS = 64


class _Entry:
    """One act on its way through the write thread."""

    __slots__ = ("act", "done", "outcome", "withdrawn")

    def __init__(self, act: Act) -> None:
        self.act = act
        self.outcome = Outcome(error=StorageError("The act was withdrawn before it began."))
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
        database: Database,
        publish: Callable[[Announcement], None],
        readers: int = 4,
        make_crew: Callable[[int, str], Crew] = ThreadCrew,
    ) -> None:
        """`publish` is given each announcement of each committed act; it must not block.

        `make_crew` gives the threads of a pool, by size and name.
        """
        self._reactor = reactor
        self._database = database
        self._publish = publish
        self._writing = _pool(reactor, 1, MAX_WAITING, "database writer", make_crew)
        self._reading = _pool(reactor, readers, QUEUED_READS, "database reader", make_crew)
        self._waiting: deque[_Entry] = deque()
        self._writer: Any = None
        self._committing_since: float | None = None
        self._readers: SimpleQueue[Any] = SimpleQueue()

    @property
    def waiting(self) -> int:
        """How many acts wait for the next commit."""
        return len(self._waiting)

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
        database fails, Stopped after `stop`. A cancelled caller's act is not begun, unless it was
        begun already: then it is committed, and its announcements are published.
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
        return await self._reading.run(self._query, lambda store: query(store, *args, **kwargs))

    async def stop(self, deadline: float) -> None:
        """Finish what was asked for, for at most `deadline` seconds each way, and close."""
        finished = await self._writing.stop(deadline)
        finished &= await self._reading.stop(deadline)
        if not finished:
            self.log.warn("the database did not finish within {deadline} s", deadline=deadline)
            return
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                break
        if self._writer is not None:
            self._writer.close()

    async def _carry_out(self, entry: _Entry) -> None:
        try:
            # The thread works in order: when this returns, this entry has been taken, if not by
            # this call then with an earlier one's group.
            await self._writing.run(self._commit_waiting)
            outcome = entry.outcome
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this caller's
            outcome = Outcome(error=error)
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
            if not entry.withdrawn:
                group.append(entry)
        if group:
            self._committing_since = self._reactor.seconds()
            outcomes = self._commit(group)
            self._committing_since = None
            for entry, outcome in zip(group, outcomes, strict=True):
                entry.outcome = outcome

    def _commit(self, group: list[_Entry]) -> list[Outcome]:
        if self._writer is None:
            try:
                with translated("it was opened"):
                    self._writer = self._database.writer()
            except Exception as error:  # noqa: BLE001 - every act of the group has failed with it
                return [Outcome(error=error)] * len(group)
        return commit_group(self._writer, [entry.act for entry in group])

    def _query(self, query: Callable[[Any], T]) -> T:
        """In a reader thread: run `query` in a transaction of its own."""
        try:
            store = self._readers.get_nowait()
        except Empty:
            store = self._database.reader()
        try:
            with translated("it was read"):
                return query(store)
        finally:
            abandon(store)
            self._readers.put(store)


def _pool(
    reactor: ThreadReactor,
    size: int,
    bound: int,
    name: str,
    make_crew: Callable[[int, str], Crew],
) -> Workers:
    return Workers(reactor, size, bound, name, make_crew(size, name))
