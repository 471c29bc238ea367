"""Source packages for the benchmarks: as small as they can be, as many as are needed."""

import hashlib
from pathlib import Path

VERSION = "1.0"
ARCHITECTURE = "amd64"


def source_name(number: int) -> str:
    return f"bench{number:04}"


def write_source(number: int, directory: Path) -> tuple[Path, Path]:
    """Write a source package; its `.dsc` and the tarball that it names."""
    name = source_name(number)
    tarball = directory / f"{name}_{VERSION}.tar.xz"
    content = hashlib.sha256(name.encode()).digest() * 64
    tarball.write_bytes(content)
    digest, size = hashlib.sha256(content).hexdigest(), len(content)
    dsc = directory / f"{name}_{VERSION}.dsc"
    dsc.write_text(
        f"Format: 3.0 (native)\nSource: {name}\nBinary: {name}\nArchitecture: any\n"
        f"Version: {VERSION}\nMaintainer: Farm <farm@example.com>\n"
        f"Checksums-Sha256:\n {digest} {size} {tarball.name}\n"
        f"Files:\n {hashlib.md5(content).hexdigest()} {size} {tarball.name}\n"
    )
    return dsc, tarball
