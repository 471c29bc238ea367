"""A pool of connections that only read, replaced when they are lost.

Layer 3, blocking; `transactor` calls it in its reader threads. Tests:
tests/functional/storage/test_transactor.py, tests/functional/storage/postgres/test_writing.py.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from buildfarm.storage.commits import abandon
from buildfarm.storage.errors import translated
from buildfarm.storage.writing import Stores
from buildfarm.vocab.errors import DatabaseAway

T = TypeVar("T")


class Readers:
    """As many connections as there are threads that ask at once."""

    def __init__(self, database: Stores) -> None:
        self._database = database
        self._idle: SimpleQueue[Any] = SimpleQueue()

    def ask(self, query: Callable[[Any], T]) -> T:
        """The answer of `query(store)`, asked again where the connection turns out to be lost.

        Raises what the query raises, DatabaseAway where there is nothing to connect to.
        """
        try:
            return self._ask(query)
        except DatabaseAway:
            self.close()  # the others are as old as this one
            return self._ask(query)

    def close(self) -> None:
        """Close the connections that nobody uses at this moment."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _ask(self, query: Callable[[Any], T]) -> T:
        try:
            store = self._idle.get_nowait()
        except Empty:
            store = self._database.reader()
        try:
            with translated("it was read"):
                answer = query(store)
        except DatabaseAway:
            store.close()
            raise
        except BaseException:
            self._put_back(store)
            raise
        self._put_back(store)
        return answer

    def _put_back(self, store: Any) -> None:
        abandon(store)
        self._idle.put(store)
