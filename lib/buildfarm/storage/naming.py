"""Which files of the file store the database names.

Chroots, sources and logs; results are in the spool, and are `storage.uploads`' matter. Sources and
logs are many: they are read in pages.

Layer 3. Tests: tests/unit/storage/test_naming.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storm.expr import And, Asc, Select

from buildfarm.storage.acts import Committed
from buildfarm.storage.rows import files_of
from buildfarm.storage.tables import Attempt, Build, Chroot, Source


@dataclass(frozen=True, slots=True)
class Page:
    """Digests that some rows name; `last` is the id after which the next page begins."""

    digests: frozenset[str]
    last: int | None


#: A query: the page that begins after a row id.
NamingQuery = Callable[[Any, int], Page]

#: Rows of one page: what is read of them, in Python, is done in about a millisecond.
_ROWS = 200


def named_chroots(store: Any) -> Committed[frozenset[str]]:
    """The digests of all chroots, as an act: when it returns, every earlier act has been told of.

    So no claim is on its way to its scanner any more that names a chroot which is missing here.
    """
    rows = store.execute(Select(Chroot.sha256, tables=[Chroot])).get_all()
    return Committed(frozenset(digest for (digest,) in rows))


def named_by_sources(store: Any, after: int) -> Page:
    """The files of the next source packages."""
    return _page(store, Source, Source.files, after, _files)


def named_by_builds(store: Any, after: int) -> Page:
    """The logs of the next builds."""
    return _page(store, Build, Build.log_digest, after, _log)


def named_by_attempts(store: Any, after: int) -> Page:
    """The logs of the next attempts."""
    return _page(store, Attempt, Attempt.log_digest, after, _log)


#: All that name files in many rows.
NAMING_QUERIES: tuple[NamingQuery, ...] = (named_by_sources, named_by_builds, named_by_attempts)


def _files(value: str) -> tuple[str, ...]:
    return tuple(file.sha256 for file in files_of(value))


def _log(value: str) -> tuple[str, ...]:
    return (value,)


def _page(
    store: Any, table: Any, column: Any, after: int, digests_in: Callable[[str], tuple[str, ...]]
) -> Page:
    following = And(table.id > after, column != None)  # noqa: E711
    select = Select((table.id, column), following, order_by=Asc(table.id), limit=_ROWS)
    rows = store.execute(select).get_all()
    digests = frozenset(digest for _, value in rows for digest in digests_in(value))
    return Page(digests, rows[-1][0] if len(rows) == _ROWS else None)
