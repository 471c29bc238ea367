"""Group commit: several acts in one transaction, each of which can fail alone.

A commit that reaches the disk costs milliseconds, an act a fraction of one. So all acts that are
waiting share a transaction: each runs in a savepoint of its own, and the commit is paid once.
Nobody learns of success before that commit; if it fails, every act of the group has failed.

Layer 3, no threads and no reactor. Tests: tests/unit/storage/test_commits.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from buildfarm.storage.acts import Committed
from buildfarm.storage.errors import CommitInDoubt, DatabaseLocked, translated
from buildfarm.vocab.errors import DatabaseAway, FarmError, StorageError

Act = Callable[[Any], Committed[Any]]

#: How often a group is begun before another process that keeps the database locked is an error.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one act of a group ended: what it committed, or why it did not."""

    committed: Committed[Any] | None = None
    error: Exception | None = None


class GroupInDoubt(StorageError):
    """The connection was lost while a group was committed; `outcomes` are those if it was.

    `question` finds out whether.
    """

    def __init__(self, question: CommitInDoubt, outcomes: Sequence[Outcome]) -> None:
        super().__init__(str(question))
        self.question = question
        self.outcomes = outcomes


def commit_group(store: Any, acts: Sequence[Act], tries: int = TRIES) -> list[Outcome]:
    """Run `acts` in one transaction and commit it; how each of them ended, in their order.

    Raises DatabaseAway where the connection was lost before the commit, so that nothing was done,
    and GroupInDoubt where it was lost during it. Anything else is in the outcomes.
    """
    try:
        return _commit(store, acts)
    except (DatabaseAway, GroupInDoubt):
        raise
    except DatabaseLocked as error:
        if tries > 1:
            return commit_group(store, acts, tries - 1)
        return [Outcome(error=error)] * len(acts)
    except Exception as error:  # noqa: BLE001 - every act of the group has failed with it
        return [Outcome(error=error)] * len(acts)


def _commit(store: Any, acts: Sequence[Act]) -> list[Outcome]:
    try:
        outcomes = [_run(store, act) for act in acts]
        with translated("a transaction was committed"):
            store.commit()
    except CommitInDoubt as question:
        raise GroupInDoubt(question, outcomes) from question
    except BaseException:
        abandon(store)
        raise
    return outcomes


def _run(store: Any, act: Act) -> Outcome:
    """Run one act in its savepoint. Raises only what leaves no transaction to go on with."""
    with translated("an act was begun"):
        store.execute("SAVEPOINT act", noresult=True)
    try:
        with translated("an act was carried out"):
            committed = act(store)
            store.execute("RELEASE SAVEPOINT act", noresult=True)
    except (DatabaseAway, DatabaseLocked):
        raise  # of no fault of this act: the whole group is begun again
    except Exception as error:  # noqa: BLE001 - this act has failed with it, whatever it is
        try:
            _undo(store)
        except FarmError:
            raise error from None  # the database has rolled everything back, because of it
        if isinstance(error, FarmError):
            # It says all there is to say. Its frames would hold the whole group, and it with them.
            error.__traceback__ = None
        return Outcome(error=error)
    return Outcome(committed=committed)


def _undo(store: Any) -> None:
    with translated("an act was undone"):
        store.reset()
        store.execute("ROLLBACK TO SAVEPOINT act", noresult=True)
        store.execute("RELEASE SAVEPOINT act", noresult=True)


def abandon(store: Any) -> None:
    """Roll back whatever `store` has under way.

    Storm keeps flushed objects as if they were committed unless it is reset first. A rollback that
    fails as well says nothing new: the error that led here is the one that is told.
    """
    store.reset()
    try:
        with translated("a transaction was rolled back"):
            store.rollback()
    except FarmError:
        pass
