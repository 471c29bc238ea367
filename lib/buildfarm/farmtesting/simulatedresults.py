"""What simulated builds make: real packages with their `.changes`, cheap to have by the thousand.

Beside the layers; used by `simulatedfarm` and benchmarks. Tests:
tests/unit/farmtesting/test_simulatedresults.py.
"""

import functools
import random

from debian.deb822 import Dsc

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.packages import changes, deb


@functools.lru_cache(maxsize=64)
def _payload(size: int) -> bytes:
    """Bytes that no compressor makes smaller."""
    return random.Random(size).randbytes(size)


@functools.lru_cache(maxsize=1024)
def package_results(
    source: str, version: str, binary: str, architecture: str, size: int
) -> dict[str, bytes]:
    """The files of a build that made one package, of about `size` bytes."""
    package = deb(
        binary,
        version,
        architecture,
        source=source,
        files={f"./usr/share/{binary}/payload": _payload(size)},
    )
    without_epoch = version.rpartition(":")[2]
    files = {f"{binary}_{without_epoch}_{architecture}.deb": package}
    statement = changes(
        files, Source=source, Version=version, Binary=binary, Architecture=architecture
    )
    return {**files, f"{source}_{without_epoch}_{architecture}.changes": statement}


def scripted_by_dsc(order: Order, architecture: str, seconds: float, size: int) -> Script:
    """A build that succeeds after `seconds`, with a package that the order's `.dsc` declares.

    Without the content of a `.dsc`, source and version are taken from its name.
    """
    name = next((name for name in order.files if name.endswith(".dsc")), "nothing_0.dsc")
    dsc = Dsc(order.files.get(name, b""))
    source, _, version = name.removesuffix(".dsc").partition("_")
    source = dsc.get("Source", source)
    version = dsc.get("Version", version)
    binary = dsc.get("Binary", source).split(",")[0].strip()
    return Script(
        seconds=seconds,
        results=package_results(source, version, binary, architecture, size),
        log=b"dpkg-buildpackage: info: a line of the log of a simulated build\n" * 64,
    )
