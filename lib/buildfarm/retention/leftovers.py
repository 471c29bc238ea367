"""Results that nobody will publish any more, removed from the spool.

Layer 4. A manager that was killed has not removed what it had just published, or begun to gather
for an attempt that was then lost. Tests: tests/unit/retention/test_leftovers.py.
"""

from pathlib import Path

from twisted.logger import Logger

from buildfarm.flow.durable import remove_tree
from buildfarm.flow.threads import Workers
from buildfarm.storage import uploads
from buildfarm.storage.transactor import Transactor

_log = Logger()


async def remove_leftovers(storage: Transactor, workers: Workers, spool_dir: Path) -> None:
    """Remove the spools of ended attempts from `spool_dir`.

    What waits for an upload stays, and what a retry may upload again; so does all that this
    database does not know, since it may be a restored one. What cannot be removed is logged.
    """
    names = await workers.run(lambda: sorted(path.name for path in spool_dir.iterdir()))
    for name in await storage.read(uploads.spent_spools, names):
        try:
            await workers.run(remove_tree, spool_dir / name)
        except OSError as error:
            _log.warn("{name} stays in the spool: {error}", name=name, error=error)
