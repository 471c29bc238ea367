"""`restart`: from the start of the program until every idle builder has been given a build.

The farm was at work before: its builders have the chroot, and none of the sources. Each fetches the
two files of its source from the manager before it builds.
"""

import hashlib
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from storm.expr import Min, Select

from bench import processes
from bench.backlog import copy_builder, queue_builds
from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, told, under
from bench.peers.buildbot.restart import restart
from bench.queue import postgres
from bench.sources import ARCHITECTURE
from buildfarm.storage.database import Database
from buildfarm.storage.requirements import requirement_id
from buildfarm.storage.tables import Build

BUILDERS = 2_000
WAITING = 100_000

#: How many of the builders are at work already, in the second part.
BUILDING = 1_000

#: Seconds in which every idle builder must have been sent a build.
BOUND = 5.0

#: Workers of Buildbot that its master gives builds to; each costs it much more than one of ours.
PEER_WORKERS = 64

#: A build that outlasts the benchmark, in seconds.
_LONG = 3600.0

#: Seconds after which it is given up.
_DEADLINE = 90.0


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds until the first and the last idle builder had a build, and CPU seconds until then.

    `disturbed` are builders that had a build before and were not left alone with it.
    """

    first: float
    last: float
    cpu: float
    disturbed: int


def figures() -> list[Figure]:
    """The restart with all builders idle, and with half of them building."""
    peer = restart(PEER_WORKERS, WAITING)
    idle = measure(BUILDERS, 0, WAITING)
    half = measure(BUILDERS, BUILDING, WAITING)
    with postgres() as uri:
        elsewhere = measure(BUILDERS, 0, WAITING, uri)
    if half.disturbed:
        raise RuntimeError(f"{half.disturbed} running builds were disturbed by the restart")
    name = f"restart: {BUILDERS:,} builders"
    return [
        under(f"{name} idle, until all have builds", "s", idle.last, peer, BOUND),
        told(f"{name} idle, until the first has one", "s", idle.first, None),
        told(f"{name} idle, CPU of the manager", "s", idle.cpu, None),
        under(f"{name}, half building, until all have builds", "s", half.last, peer, BOUND),
        told(f"{name} idle, PostgreSQL, until all have builds", "s", elsewhere.last, peer),
    ]


def measure(builders: int, building: int, waiting: int, uri: str | None = None) -> Restart:
    """Restart a manager of `builders`, of which `building` have builds; `waiting` builds wait.

    `uri` is the database, an SQLite file unless told otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as scratch:
        directory = Path(scratch)
        simulated = Builders(directory, builders, processes=4, seconds=_LONG)
        settings = {"manager": {"database": uri}} if uri else None
        try:
            with Manager(directory, settings) as manager:
                furnish(manager, directory, simulated.urls)
                if building:
                    fill(uri or manager.database_uri, simulated.urls[:building], waiting)
                    manager.start()
                    _wait_for_builds(simulated, building)
                    manager.stop()
                fill(uri or manager.database_uri, simulated.urls[building:], waiting)
                return _restart(manager, simulated, builders, building)
        finally:
            simulated.close()


def _restart(manager: Manager, simulated: Builders, builders: int, building: int) -> Restart:
    begun = time.monotonic()
    manager.start()
    _wait_for_builds(simulated, builders)
    cpu = processes.cpu_seconds(manager.process.pid)
    began = [build["began"] - begun for build in simulated.builds()[building:]]
    time.sleep(1.0)  # whoever is disturbed, shows it soon
    again = len(simulated.builds()) - builders
    return Restart(began[0], began[-1], cpu, again + len(simulated.events("cleaned")))


def _wait_for_builds(simulated: Builders, count: int) -> None:
    wait_for(lambda: len(simulated.builds()) >= count, _DEADLINE, f"{count} builds have begun")


def furnish(manager: Manager, directory: Path, urls: Sequence[str]) -> None:
    """One build and one builder that the others are copies of, and chroots; then stop."""
    fields: dict[str, Any] = {"name": "builder", "url": "http://127.0.0.1:9"}
    manager.ask("builder.add", **fields, processors=[ARCHITECTURE], manual=True)
    manager.submit(0)
    settings = tomllib.loads((directory / "manager.toml").read_text())
    chroot = (directory / "chroot.tar.gz").read_bytes()
    sha1, sha256 = (hashlib.new(kind, chroot).hexdigest() for kind in ("sha1", "sha256"))
    file = f"{settings['files']['public_url']}/{sha256}/chroot"

    def fetch_chroot(url: str) -> None:
        with ServerProxy(f"{url}/rpc") as builder:
            builder.ensurepresent(sha1, file, "", "")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(fetch_chroot, urls))
    manager.stop()


def fill(uri: str, urls: Sequence[str], waiting: int) -> None:
    """Add builders that are clean and idle, and let so many builds wait."""
    with closing(Database(uri).writer()) as store:
        fitting = requirement_id(store, ARCHITECTURE, False)
        unfit = requirement_id(store, ARCHITECTURE, False, ("gpu",))
        store.commit()
        copy_builder(store, "builder", urls, manual=False, clean_status="CLEAN")
        kinds = (range(fitting, fitting + 1), range(unfit, unfit + 1))
        like = store.execute(Select(Min(Build.id))).get_one()[0]
        queue_builds(store, like, waiting, *kinds)
