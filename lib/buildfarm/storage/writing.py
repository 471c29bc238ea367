"""Where acts are committed: one connection that writes, replaced whenever it is lost.

A lost connection costs nobody an act: what had not been committed is carried out again, whole, by
another connection. Where it was lost in the middle of a commit only the database knows; the acts of
that group then have no outcome until it has been asked, however long that takes, and nothing else
is written before. So nobody is ever told a guess.

Layer 3, blocking; `transactor` calls it in its write thread. Tests:
tests/functional/storage/postgres/test_writing.py.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from buildfarm.storage.commits import Act, GroupInDoubt, Outcome, commit_group
from buildfarm.storage.errors import translated
from buildfarm.vocab.errors import DatabaseAway, FarmError

#: How often a group is begun on a new connection before the database is said to be away.
TRIES = 3


class Stores(Protocol):
    """What a writer, and a transactor, need of a database; see `database.Database`."""

    def writer(self) -> Any:
        """A store that reads and writes."""

    def reader(self) -> Any:
        """A store that only reads."""


class PendingAct:
    """An act on its way: `outcome` is None until it is known how it ended."""

    __slots__ = ("act", "outcome")

    def __init__(self, act: Act) -> None:
        self.act = act
        self.outcome: Outcome | None = None


class Writer:
    """Commits groups of acts into `database`, one after the other."""

    def __init__(self, database: Stores) -> None:
        self._database = database
        self._store: Any = None
        self._doubt: tuple[Sequence[PendingAct], GroupInDoubt] | None = None

    def commit(self, group: Sequence[PendingAct]) -> None:
        """Carry out `group` and commit it.

        Afterwards each of its acts has its outcome, unless the group is in doubt. Raises nothing
        that an act or the driver raises.
        """
        try:
            self.resolve()
        except FarmError as error:
            _end(group, [Outcome(error=error)] * len(group))
            return
        self._carry_out(group)
        with suppress(FarmError):
            self.resolve()  # the database may have been away for a moment only

    def resolve(self) -> None:
        """Find out what became of the group in doubt, if there is one; carry it out if it must be.

        Raises StorageError where it is still in doubt.
        """
        if self._doubt is None:
            return
        group, doubt = self._doubt
        try:
            committed = doubt.question.was_committed(self._open())
        except FarmError:
            self.close()
            raise
        self._doubt = None
        if committed:
            _end(group, doubt.outcomes)
        else:
            self._carry_out(group)
        if self._doubt is not None:
            raise DatabaseAway("The database is lost again and again in the middle of a commit.")

    def close(self) -> None:
        """Close the connection, if there is one; the next group opens another."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _carry_out(self, group: Sequence[PendingAct]) -> None:
        lost: FarmError = DatabaseAway("The database is away.")
        for _ in range(TRIES):
            try:
                store = self._open()
            except FarmError as error:
                lost = error
                break
            try:
                _end(group, commit_group(store, [one.act for one in group]))
            except DatabaseAway as error:
                lost = error
                self.close()
            except GroupInDoubt as doubt:
                self._doubt = group, doubt
                self.close()
                return
            else:
                return
        _end(group, [Outcome(error=lost)] * len(group))

    def _open(self) -> Any:
        if self._store is None:
            with translated("it was opened"):
                self._store = self._database.writer()
        return self._store


def _end(group: Sequence[PendingAct], outcomes: Sequence[Outcome]) -> None:
    for one, outcome in zip(group, outcomes, strict=True):
        one.outcome = outcome
