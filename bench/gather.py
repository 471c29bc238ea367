"""`gather`: how fast the results of 8 builds arrive, beside curl fetching the same files at once.

Both fetch from the same simulated builders to the same disk, in turns. The manager's time is from
the first request for a result until the last builder is told to forget its own: both digests are
computed by then, every file is flushed and the builds are committed. curl's is until the last of
the eight has ended, which is when the last byte was written, not flushed; a row for the reader
shows it with what the manager does besides: `sync` and both digests.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.farm import Builders, Manager, wait_for
from bench.figures import Figure, at_least, told

BUILDERS = 8
RESULT_SIZE = 256 * 1024 * 1024

#: Turns of each; the first, in which the machine finds its memory, does not count.
ROUNDS = 4

#: Seconds that a build takes: long enough that all are under way before the first ends.
_BUILD = 2.0

_DEADLINE = 180.0

_MIB = 1024 * 1024

#: What is done with each URL ($1) and file ($2).
_PLAIN = 'exec curl --silent --fail --output "$2" "$1"'
_ALL = (
    'curl --silent --fail --output "$2" "$1" && sync --data "$2" '
    '&& sha1sum "$2" > "$2.sha1" && sha256sum "$2" > "$2.sha256"'
)


def figures() -> list[Figure]:
    """MiB a second, all eight together."""
    ours, plain, everything = _measure()
    return [
        at_least("gather: 8 results of 256 MiB at once", "MiB/s", ours, plain, 0.8),
        told("gather: the same, peer flushes and computes digests", "MiB/s", ours, everything),
    ]


def _measure() -> tuple[float, float, float]:
    """Rates of the manager, of curl, and of curl with all that the manager does; medians."""
    with tempfile.TemporaryDirectory(prefix="bench-gather-") as scratch:
        directory = Path(scratch)
        builders = Builders(
            directory, BUILDERS, processes=4, seconds=_BUILD, size=RESULT_SIZE, shared=True
        )
        try:
            with Manager(directory) as manager:
                manager.add_builders(builders.urls)
                turns = [
                    (
                        _ours(manager, builders, number),
                        _curls(builders.urls, directory / "curl", _PLAIN),
                        _curls(builders.urls, directory / "curl", _ALL),
                    )
                    for number in range(ROUNDS)
                ]
        finally:
            builders.close()
    rates = [BUILDERS * RESULT_SIZE / _MIB / seconds for turn in turns[1:] for seconds in turn]
    ours, plain, everything = (statistics.median(rates[kind::3]) for kind in range(3))
    return ours, plain, everything


def _ours(manager: Manager, builders: Builders, turn: int) -> float:
    """Seconds in which the manager gathers from all builders."""
    for number in range(turn * BUILDERS, (turn + 1) * BUILDERS):
        manager.submit(number)
    total = (turn + 1) * BUILDERS
    wait_for(lambda: len(builders.events("cleaned")) == total, _DEADLINE, "all is gathered")
    for spool in (manager.directory / "state" / "spool").iterdir():
        shutil.rmtree(spool)  # curl's files are removed as well: both find the same free memory
    fetched, cleaned = (builders.events(kind)[-BUILDERS:] for kind in ("fetched", "cleaned"))
    return float(cleaned[-1]["cleaned"] - fetched[0]["fetched"])


def _curls(urls: Sequence[str], directory: Path, command: str) -> float:
    """Seconds in which one curl for each builder has fetched the file that its builds make."""
    directory.mkdir()
    begun = time.monotonic()
    running = [
        subprocess.Popen(["sh", "-c", command, "sh", f"{url}/filecache/shared", directory / name])
        for name, url in zip(map(str, range(len(urls))), urls, strict=True)
    ]
    failed = [one.args for one in running if one.wait(_DEADLINE)]
    seconds = time.monotonic() - begun
    shutil.rmtree(directory)
    if failed:
        raise RuntimeError(f"curl did not fetch everything: {failed}")
    return seconds
