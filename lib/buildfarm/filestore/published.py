"""Published archives: `/archive/NAME/…`, for apt and for people.

Layer 3; tests in `tests/functional/filestore/test_published.py`. The web listener has those that
everybody may read, the files listener the private ones, for builds with a token.

What is asked for must lie, once all symbolic links are followed, below the archive's directory,
component by component: `/srv/repo-evil` is not below `/srv/repo`. Names with a leading dot do not
exist, and of what does only regular files and directories.
"""

import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from buildfarm.filestore.asking import ask_for_token, credentials
from buildfarm.filestore.guesses import Guesses
from buildfarm.filestore.listings import directory_page, names_page
from buildfarm.filestore.replies import OpenedFile, Reply, opened
from buildfarm.filestore.sending import SendingResource
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers

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
    """Serves the directories that `find_root(archive name, user, password)` gives.

    They must hold nothing but what their readers may read. None: there is no such archive, or not
    for them; which of both is not told, with `guesses` by a 401 in any case. `find_names` gives the
    archives that are listed at the top.
    """

    def __init__(
        self,
        reactor: Clock,
        workers: Workers,
        find_root: Callable[[str, str, str], Awaitable[Path | None]],
        max_downloads: int = 256,
        *,
        find_names: Callable[[], Awaitable[Sequence[str]]] | None = None,
        guesses: Guesses | None = None,
    ) -> None:
        super().__init__(reactor, workers, max_downloads)
        self._find_root = find_root
        self._find_names = find_names
        self._guesses = guesses

    async def answer(self, reply: Reply) -> None:
        """Send the file, list the directory, or say that there is neither."""
        if reply.path == (b"",) and self._find_names is not None:
            names = [f"{name}/" for name in await self._find_names()]
            reply.write_page(names_page("archives", names), "text/html")
            return
        segments = _plain_segments(reply.path)
        asked = credentials(reply.request)
        root = await self._find_root(segments[0], *asked) if segments else None
        if root is None and self._guesses is not None:
            ask_for_token(reply, self._guesses)
            return
        await self._show(reply, await self._find(root, segments, reply.path))

    async def _show(self, reply: Reply, found: OpenedFile | Listing | None) -> None:
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

    async def _find(
        self, root: Path | None, segments: Sequence[str], path: Sequence[bytes]
    ) -> OpenedFile | Listing | None:
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
        return Listing(directory_page(path, title))
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
