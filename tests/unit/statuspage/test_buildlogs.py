"""Where logs are."""

import io
from typing import Any, cast

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.logs import store_log
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.statuspage.buildlogs import BuildLogs
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.states import BuildState


class _Build:
    """One that has failed."""

    state = BuildState.FAILEDTOBUILD

    def __init__(self, log_digest: str) -> None:
        self.log_digest = log_digest


class StoredLogTests(FarmTestCase):
    async def test_farm_that_stops(self) -> None:
        """A log that is looked at while the threads stop is closed all the same."""
        store = FileStore(self.make_directory())
        digest = store_log(store, io.BytesIO(b"a log\n"), max_bytes=100).sha256
        workers = Workers(self.reactor, 1, 1, "files")
        nowhere: Any = None
        logs = BuildLogs(store, workers, nowhere, nowhere)
        async with logs.opened(cast(BuildSnapshot, _Build(digest))) as log:
            assert log is not None
            self.assertEqual(b"a log\n", log.read(0, 100))
            await workers.stop(5.0)
        self.assertRaises(ValueError, log.read, 0, 100)
