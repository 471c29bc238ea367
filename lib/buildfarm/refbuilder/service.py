"""A reference builder, put together: everything in the order in which it starts.

Beside the layers. Tests: tests/functional/refbuilder/test_service.py.
"""

import threading
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger

from buildfarm.flow.lifecycle import Sequence
from buildfarm.flow.lockfiles import HeldLock, holder, try_hold
from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.backend import DpkgBackend
from buildfarm.refbuilder.daemon import Daemon
from buildfarm.refbuilder.fetching import Fetcher
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.site import make_site
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.vocab.errors import Refused

#: Seconds in which everything stops; a build that does not end when asked takes five of them.
_STOP_WITHIN = 9.0
_ABORT_WITHIN = 7.0
_THREADS_GRACE = 1.0

#: Threads, mostly for downloads, and how many jobs wait in their queue.
_THREADS = 4
_BOUND = 16


class RefBuilder:
    """One builder daemon, from its start to its stop.

    `workdir` is made where there is none, and belongs to one daemon at a time.
    """

    log = Logger()

    def __init__(self, reactor: Any, name: str, workdir: Path, architecture: str) -> None:
        self._reactor = reactor
        self._name = name
        self._place = Workplace(workdir.absolute())
        self._architecture = architecture
        self._parts = Sequence(reactor, _STOP_WITHIN)
        self._stopping = threading.Event()

    async def start(self, listen: str) -> Any:
        """Kill what a former self has left, listen at the endpoint `listen`, and return the port.

        Raises Refused where another daemon has the directory, LockHeld where a former build
        cannot be killed, what the endpoint raises where it cannot listen.
        """
        parts, place = self._parts, self._place
        lock = self._hold_lock()
        parts.started("lock", lock.release, 1.0)
        workers = Workers(self._reactor, _THREADS, _BOUND, "refbuilder")
        parts.started("threads", lambda: workers.stop(_THREADS_GRACE), _THREADS_GRACE + 0.5)
        cache = FileCache(place)
        await workers.run(cache.open)
        backend = DpkgBackend(self._reactor, place, self._name, workers)
        await parts.start("backend", backend.open, backend.abort, _ABORT_WITHIN)
        fetcher = Fetcher(cache, self._reactor.seconds, self._stopping.is_set)
        parts.started("downloads", self._stopping.set, 1.0)
        daemon = Daemon(self._architecture, cache, fetcher, backend, workers)
        site = make_site(self._reactor, daemon, cache)
        endpoint = serverFromString(self._reactor, listen)
        port: Any = await endpoint.listen(site)
        parts.started("listener", port.stopListening, 1.0)
        return port

    async def stop(self) -> None:
        """Stop listening, kill the build, let go of the directory."""
        await self._parts.stop()

    def _hold_lock(self) -> HeldLock:
        self._place.root.mkdir(parents=True, exist_ok=True)
        lock = try_hold(self._place.daemon_lock)
        if lock is None:
            pid = holder(self._place.daemon_lock)
            raise Refused(
                f"The builder in {self._place.root} runs already, as process {pid}; "
                "every builder needs a directory of its own."
            )
        return lock
