"""Builds looked for by the name of their source package.

Layer 3. Tests: tests/unit/storage/test_searches.py.
"""

from typing import Any

from storm.expr import And, Asc, Desc, Join, Select

from buildfarm.storage.listings import visible
from buildfarm.storage.rows import BUILD
from buildfarm.storage.tables import Archive, Build
from buildfarm.vocab.build import BuildSnapshot

#: Greater than every character of a name.
_AFTER = "\x7f"


def search_builds(
    store: Any, prefix: str, seen: frozenset[str] | None, start: int, size: int
) -> tuple[BuildSnapshot, ...]:
    """`size` builds from `start` on whose source's name begins with `prefix`, which is a name.

    By name, then by architecture, the newest first. `seen` as everywhere.
    """
    where = [Build.source >= prefix, Build.source < prefix + _AFTER]
    if seen is not None:
        where.append(visible(seen))
    select = Select(
        BUILD.columns,
        And(*where),
        [Build, Join(Archive, Archive.id == Build.archive_id)],
        order_by=(Asc(Build.source), Asc(Build.architecture), Desc(Build.id)),
        offset=start,
        limit=size,
    )
    return tuple(BUILD.read(row) for row in store.execute(select).get_all())
