"""The source package that somebody means: a `.dsc`, a directory with one, or a source tree.

Layer 7. A tree is packed by `dpkg-source` in a temporary place; nothing is written beside it.
Tests: tests/unit/scripts/test_packages.py, tests/functional/scripts/test_submit_source.py.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from buildfarm.intake.dsc import files_beside
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

#: Seconds that packing may take: the largest sources are a gigabyte.
_DEADLINE = 1800.0

# The first line of a changelog: package (version) …
_CHANGELOG = re.compile(r"([a-z0-9][a-z0-9+.-]*) \((?:[0-9]+:)?([^()\s]+)\)")


@contextmanager
def source_files(path: Path) -> Iterator[list[Path]]:
    """The `.dsc` of a source package, and then every file that it names; all are there.

    Raises Refused for what leads to no source package.
    """
    if path.is_dir() and (path / "debian" / "changelog").is_file():
        with tempfile.TemporaryDirectory(prefix="submit-source-") as place:
            yield _complete(_packed(path, Path(place)))
    elif path.is_dir():
        yield _complete(
            _only_dsc(path, f"{path} holds neither a .dsc nor a source tree's debian/.")
        )
    else:
        yield _complete(path)


def _complete(dsc: Path) -> list[Path]:
    files = [dsc, *files_beside(dsc)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise Refused(f"{dsc} names files that are not beside it: {', '.join(missing)}.")
    return files


def _only_dsc(directory: Path, otherwise: str) -> Path:
    found = sorted(directory.glob("*.dsc"))
    if not found:
        raise Refused(otherwise)
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise Refused(f"{directory} holds {len(found)} source packages ({names}): name one.")
    return found[0]


def _packed(tree: Path, place: Path) -> Path:
    """The `.dsc` that `dpkg-source` makes of a tree, in `place`."""
    tree = tree.resolve()
    for tarball in _upstream_tarballs(tree):
        (place / tarball.name).symlink_to(tarball)
    try:
        ended = subprocess.run(
            ["dpkg-source", "--build", str(tree)],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_DEADLINE,
            check=False,
        )
    except FileNotFoundError as error:
        raise Refused("dpkg-source is not installed; Debian has it in dpkg-dev.") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"dpkg-source has not packed {tree} within {_DEADLINE:.0f} s.") from error
    said = ended.stdout.decode("utf-8", "replace")
    if ended.returncode != 0:
        raise Refused(f"dpkg-source cannot pack {tree}: {one_line(said[-1000:], 1000)}")
    return _only_dsc(place, f"dpkg-source has made no .dsc of {tree}.")


def _upstream_tarballs(tree: Path) -> list[Path]:
    """Tarballs of upstream's and their signatures, which lie beside a tree."""
    with (tree / "debian" / "changelog").open(encoding="utf-8", errors="replace") as file:
        named = _CHANGELOG.match(file.readline())
    if named is None:
        return []
    upstream = named[2].rpartition("-")[0]
    prefix = f"{named[1]}_{upstream}.orig"
    return [path for path in sorted(tree.parent.iterdir()) if path.name.startswith(prefix)]
