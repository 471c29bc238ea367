"""Results that nobody will publish any more, removed from the spool.

Layer 4. A manager that was killed has not removed what it had just published, or begun to gather
for an attempt that was then lost; and a restored database does not know what was gathered after
its backup. Tests: tests/unit/retention/test_leftovers.py.
"""

from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import Logger

from buildfarm.flow.durable import remove_tree
from buildfarm.flow.threads import Workers
from buildfarm.storage import uploads
from buildfarm.storage.transactor import Transactor

_log = Logger()

#: Spools that the database is asked about at once.
_TOGETHER = 100


async def remove_leftovers(
    storage: Transactor,
    workers: Workers,
    spool_dir: Path,
    unknown_before: datetime | None = None,
) -> int:
    """Remove the spools of ended attempts from `spool_dir`; how many.

    What waits for an upload stays, and what a retry may upload again. What this database does not
    know stays, or goes when it is older than `unknown_before`: it may be a restored one, and the
    one of before be put back. What cannot be removed is logged.
    """
    names = await workers.run(_names_in, spool_dir)
    removed = 0
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        spent = list(await storage.read(uploads.spent_spools, some))
        if unknown_before is not None:
            unknown = await storage.read(uploads.unknown_spools, some)
            spent += await workers.run(_older, spool_dir, unknown, unknown_before)
        for name in spent:
            try:
                await workers.run(remove_tree, spool_dir / name)
            except OSError as error:
                _log.warn("{name} stays in the spool: {error}", name=name, error=error)
            else:
                removed += 1
    return removed


def _names_in(spool_dir: Path) -> list[str]:
    """Where no manager has run yet there is no spool."""
    return sorted(path.name for path in spool_dir.iterdir()) if spool_dir.is_dir() else []


def _older(spool_dir: Path, names: tuple[str, ...], before: datetime) -> list[str]:
    """Those of `names` that nothing was put into since `before`."""
    oldest = before.replace(tzinfo=UTC).timestamp()
    return [name for name in names if (spool_dir / name).stat().st_mtime < oldest]
