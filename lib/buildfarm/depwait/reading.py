"""A child process that looks at package indexes, and says which of some packages they have.

    python -m buildfarm.depwait.reading REQUEST

An index is large, comes from elsewhere and takes a second or more to read: not in the manager. The
request is a file of JSON, `Request`, and so is the answer on standard output, a list of `Look`.

Layer 4. Tests: tests/functional/depwait/test_reading.py.
"""

import gzip
import hashlib
import json
import lzma
import re
import resource
import signal
import sys
import time
import urllib.parse
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from buildfarm.depwait.fetching import SUFFIXES, FetchFailed, Mirror
from buildfarm.depwait.indexes import Index
from buildfarm.vocab.text import one_line

#: How much larger an index may be than it is packed, and how long one package's entry.
_EXPANSION = 40
_MAX_ENTRY = 4 * 1024 * 1024

_PIECE = 1024 * 1024

#: Address space of this process, beside three times the largest index, in bytes: what unpacks an
#: `.xz` takes as much memory as the file says, up to 4 GiB.
_MEMORY = 512 * 1024 * 1024

#: The part of the time for a look in which indexes are fetched; the rest is for reading them.
_FETCHING = 0.8

#: What is kept of each name at most, and of each value.
_MAX_OFFERS = 20
_MAX_VALUE = 300

_FIELD = re.compile(rb"^(Package|Version|Provides|Multi-Arch):[ \t]*(.*)$", re.MULTILINE)
# `*+` gives no white space back: much of it would be tried in every way of parting it.
_PROVIDED = re.compile(r"\s*+([^\s(:]+)(?::\w+)?\s*+(?:\(\s*+=\s*+([^\s)]+)\s*+\))?\s*+")


@dataclass(frozen=True, slots=True)
class Request:
    """Look at `indexes` (directory and relative path) for `names`.

    What is kept in `mirror` and was asked for less than `fresh_for` seconds before `now`, in Unix
    time, is not asked for again. `every`: what is kept of other indexes is not needed any more.
    `seconds` are for all of it; one index is waited for half of what is left at most, so that
    others have their turn.
    """

    mirror: str
    max_bytes: int
    now: float
    fresh_for: float
    indexes: list[tuple[str, str]]
    names: list[str]
    every: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """What one index has. `state` is "" where it could not be looked at; `error` says why.

    `offers` are (name, version or None, multi-arch, provided by or "").
    """

    place: str
    state: str = ""
    error: str = ""
    offers: list[tuple[str, str | None, str, str]] = field(default_factory=list)


def main(arguments: list[str]) -> None:
    """Carry out the request in the file that is named."""
    begun = time.monotonic()
    request = Request(**json.loads(Path(arguments[0]).read_text()))
    memory = _MEMORY + 3 * request.max_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    directory = Path(request.mirror)
    directory.mkdir(mode=0o750, exist_ok=True)
    indexes = [Index(*one) for one in request.indexes]
    mirror = Mirror(directory, request.max_bytes, request.now)
    names = frozenset(request.names)
    until = begun + _FETCHING * request.seconds
    looks = [_look(index, mirror, names, request, until) for index in indexes]
    if request.every:
        mirror.forget_others(indexes)
    sys.stdout.write(json.dumps([asdict(one) for one in looks]))


def _look(
    index: Index, mirror: Mirror, names: Collection[str], request: Request, until: float
) -> Look:
    error = ""
    try:
        if index.directory.startswith("file:"):
            path, suffix = _local(index)
            with path.open("rb") as stream:
                state = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            with _cut_off((until - time.monotonic()) / 2):
                known, path, error = mirror.fetch(index, request.fresh_for)
            state, suffix = known.state, known.suffix
        with path.open("rb") as stream:
            limit = request.max_bytes * _EXPANSION
            offers = list(offers_in(_entries(_unpacked(stream, suffix), limit), names))
    except FetchFailed as failure:
        return Look(index.place, error=one_line(str(failure)))
    except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as failure:
        return Look(index.place, error=one_line(f"it cannot be read: {failure}"))
    except MemoryError:
        return Look(index.place, error="it cannot be read: that takes too much memory")
    return Look(index.place, state, one_line(error), offers)


@contextmanager
def _cut_off(seconds: float) -> Iterator[None]:
    """Raise FetchFailed in what takes longer than this, whatever it waits for."""

    def cut_off(*_: object) -> None:
        raise FetchFailed("its server is too slow")

    signal.signal(signal.SIGALRM, cut_off)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _local(index: Index) -> tuple[Path, str]:
    """Where an index is that lies on this machine, and how it is packed."""
    directory = Path(urllib.parse.unquote(urllib.parse.urlsplit(index.directory).path))
    for suffix in reversed(SUFFIXES):
        path = directory / f"{index.relative}{suffix}"
        if path.is_file():
            return path, suffix
    raise FetchFailed("there is no index at that place")


def _unpacked(stream: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".xz":
        return lzma.open(stream)
    if suffix == ".gz":
        return gzip.open(stream)  # type: ignore[return-value]
    return stream


def _entries(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """The entries of an index, piece by piece."""
    rest, read = b"", 0
    while piece := stream.read(_PIECE):
        read += len(piece)
        if read > limit or len(rest) > _MAX_ENTRY:
            raise FetchFailed(f"it is larger than {limit} bytes, or one entry than {_MAX_ENTRY}")
        *whole, rest = (rest + piece).split(b"\n\n")
        yield from whole
    yield rest


def offers_in(
    entries: Iterator[bytes], names: Collection[str]
) -> Iterator[tuple[str, str | None, str, str]]:
    """What is offered of `names`: packages, and what packages provide; of each so many at most."""
    found = dict.fromkeys(names, 0)
    for entry in entries:
        fields = {
            key: value[: 64 * 1024].decode(errors="replace") for key, value in _FIELD.findall(entry)
        }
        package, version = fields.get(b"Package", ""), fields.get(b"Version", "")
        multi_arch = fields.get(b"Multi-Arch", "")
        offered: list[tuple[str, str | None, str]] = [(package, version, "")]
        if b"Provides" in fields:
            offered += _provided(fields[b"Provides"], package)
        for name, its_version, by in offered:
            if name in found and found[name] < _MAX_OFFERS:
                found[name] += 1
                cut = None if its_version is None else its_version[:_MAX_VALUE]
                yield name, cut, multi_arch[:_MAX_VALUE], by[:_MAX_VALUE]


def _provided(text: str, package: str) -> Iterator[tuple[str, str | None, str]]:
    for part in text.split(","):
        match = _PROVIDED.fullmatch(part)
        if match is not None:
            yield match[1], match[2], package


def answer_of(text: str) -> list[Look]:
    """What a child has printed."""
    found: list[dict[str, Any]] = json.loads(text)
    return [Look(**{**one, "offers": [tuple(offer) for offer in one["offers"]]}) for one in found]


if __name__ == "__main__":
    main(sys.argv[1:])
