"""What simulated builds make: real packages with their `.changes`, cheap to have by the thousand.

Beside the layers; what fake daemons offer as results. Tests:
tests/unit/farmtesting/test_simulatedresults.py.
"""

import functools
import random

from buildfarm.farmtesting.packages import changes, deb


@functools.lru_cache(maxsize=64)
def _payload(size: int) -> bytes:
    """Bytes that no compressor makes smaller."""
    return random.Random(size).randbytes(size)


@functools.lru_cache(maxsize=1024)
def package_results(
    source: str, version: str, binary: str, architecture: str, size: int
) -> dict[str, bytes]:
    """The files, by name, of a build that made one package of about `size` bytes."""
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
