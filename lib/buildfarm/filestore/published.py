"""Published archives on the web listener: `/archive/NAME/…`, for apt and for people.

Layer 3; tests in `tests/functional/filestore/test_published.py`.

What is asked for must lie, once all symbolic links are followed, below the archive's directory,
component by component: `/srv/repo-evil` is not below `/srv/repo`. Names with a leading dot do not
exist, and of what does only regular files and directories.
"""

import html
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from buildfarm.filestore.replies import OpenedFile, Reply, opened
from buildfarm.filestore.sending import SendingResource
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.text import shown

#: Entries of a directory that a page lists: as many as a thread renders in about 2 ms.
MAX_LISTED = 2000

_CONTENT_TYPES = {
    ".asc": "application/pgp-keys",
    ".deb": "application/vnd.debian.binary-package",
    ".gz": "application/gzip",
    ".xz": "application/x-xz",
}
_TEXTS = frozenset({".buildinfo", ".changes", ".dsc", ""})


@dataclass(frozen=True, slots=True)
class Listing:
    """A page that shows what is in a directory."""

    page: str


class PublishedResource(SendingResource):
    """Serves the directories that `find_root(archive name)` gives; None: there is none for anyone.

    The directory must hold nothing but what everybody may read.
    """

    def __init__(
        self,
        reactor: Clock,
        workers: Workers,
        find_root: Callable[[str], Awaitable[Path | None]],
        max_downloads: int = 256,
    ) -> None:
        super().__init__(reactor, workers, max_downloads)
        self._find_root = find_root

    async def answer(self, reply: Reply) -> None:
        """Send the file, list the directory, or say that there is neither."""
        found = await self._find(reply.path)
        if found is None:
            reply.refuse(HTTPStatus.NOT_FOUND, "There is no such file here.")
        elif isinstance(found, OpenedFile):
            await reply.send(found)
        elif name := reply.path[-1]:
            # Links in the listing are relative, so a directory's address ends in a slash.
            location = f"./{quote(name)}/"
            sentence = "This is a directory."
            reply.refuse(HTTPStatus.MOVED_PERMANENTLY, sentence, location=location)
        else:
            reply.write_page(found.page, "text/html")

    async def _find(self, path: Sequence[bytes]) -> OpenedFile | Listing | None:
        segments = _plain_segments(path)
        root = await self._find_root(segments[0]) if segments else None
        if root is None:
            return None
        found = await self._workers.run(open_below, root, segments[1:], "/".join(segments))
        if isinstance(found, OpenedFile) and not path[-1]:
            found.stream.close()
            return None
        return found


def open_below(root: Path, segments: Sequence[str], title: str) -> OpenedFile | Listing | None:
    """What `segments` lead to from the directory `root`, in a file thread; None for nothing there.

    `title` heads a listing.
    """
    try:
        home = root.resolve(strict=True)
        path = home.joinpath(*segments).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    if not path.is_relative_to(home):
        return None
    if path.is_dir():
        return Listing(_page(path, title))
    return _open_regular(path)


def _open_regular(path: Path) -> OpenedFile | None:
    try:
        # No blocking on a pipe, and no link that was put there since.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        stream = os.fdopen(os.open(path, flags), "rb")
    except OSError:
        return None
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        stream.close()
        return None
    etag = f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
    return opened(stream, etag, _content_type(path))


def _content_type(path: Path) -> str:
    if path.suffix in _TEXTS:
        return "text/plain; charset=utf-8"
    return _CONTENT_TYPES.get(path.suffix, "application/octet-stream")


def _plain_segments(path: Sequence[bytes]) -> list[str]:
    """The names on a request's path without a closing slash; none where one is not plain."""
    names = path[:-1] if path and not path[-1] else path
    try:
        segments = [name.decode() for name in names]
    except UnicodeDecodeError:
        return []
    plain = all(
        name and not name.startswith(".") and "/" not in name and "\0" not in name
        for name in segments
    )
    return segments if plain else []


def _page(directory: Path, title: str) -> str:
    with os.scandir(directory) as entries:
        listed = list(islice((entry for entry in entries if entry.name[0] != "."), MAX_LISTED + 1))
    names = sorted(entry.name + "/" * entry.is_dir() for entry in listed[:MAX_LISTED])
    items = "\n".join(f'<li><a href="./{quote(name)}">{_shown(name)}</a></li>' for name in names)
    more = f"<p>Only {MAX_LISTED} entries are listed.</p>\n" if len(listed) > MAX_LISTED else ""
    heading = _shown(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><title>{heading}</title></head>\n<body>\n'
        f'<h1>{heading}</h1>\n<ul>\n<li><a href="../">../</a></li>\n{items}\n</ul>\n{more}'
        "</body>\n</html>\n"
    )


def _shown(text: str) -> str:
    return html.escape(shown(text))
