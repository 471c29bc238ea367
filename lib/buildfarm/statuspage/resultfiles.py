"""What a build has brought: `/builds/ID/files/NAME`.

Published files come from the archive, for whoever may see that. What waits to be published, or was
refused, has passed no check: it is for those who may retry the build, who want to know what is
wrong with it, and it comes from the spool.

Layer 5. Tests: tests/functional/statuspage/test_files.py.
"""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from buildfarm.filestore.published import Listing, open_below
from buildfarm.filestore.replies import OpenedFile, Reply
from buildfarm.flow.threads import Workers
from buildfarm.statuspage.answers import Answer, Declined, Stream, missing
from buildfarm.statuspage.buildfacts import gathered_attempt
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.shares import Shares
from buildfarm.statuspage.sight import fetch_seen
from buildfarm.storage.archives import archive_named
from buildfarm.storage.attempts import attempts_of
from buildfarm.storage.transactor import Transactor
from buildfarm.uploads.directory import INCOMING
from buildfarm.uploads.published import published_directory
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot, StoredFile
from buildfarm.vocab.states import AttemptOutcome, UploaderKind
from buildfarm.vocab.upload import spool_name

#: Downloads at once.
MAX_DOWNLOADS = 64

#: A browser keeps such a file and does not look into it, whatever its name ends in.
_TYPE = "application/octet-stream"


class ResultFiles:
    """The downloads. `spool_dir` has what is not published."""

    def __init__(
        self, reactor: Any, storage: Transactor, workers: Workers, spool_dir: Path
    ) -> None:
        self._reactor = reactor
        self._storage = storage
        self._workers = workers
        self._spool_dir = spool_dir
        self._downloads = Shares(MAX_DOWNLOADS)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where they are."""
        return (Route("/builds/{id}/files/{name}", self._show),)

    async def _show(self, visit: Visit) -> Answer:
        listed = await fetch_seen(self._storage, visit)
        build = listed.build
        attempt = gathered_attempt(await self._storage.read(attempts_of, build.id))
        name = visit.places["name"]
        file = next((one for one in attempt.files if one.name == name), None) if attempt else None
        if attempt is None or file is None:
            raise missing("such file")
        if attempt.outcome is not AttemptOutcome.PUBLISHED:
            forbidden = refusal(visit.visitor, Deed.RETRY, build.archive)
            if forbidden is not None:
                sentence = "Results that are not published are for those who may retry the build."
                raise Declined(HTTPStatus.FORBIDDEN, sentence)
        if not self._downloads.has_place(visit.address):
            sentence = "Too many files are being downloaded; come back in a moment."
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, sentence, {"Retry-After": "10"})
        archive = await self._storage.read(archive_named, build.archive)
        find = partial(find_result, archive, build, attempt, file, self._spool_dir)
        return Stream(partial(self._send, find, name, visit.address))

    async def _send(self, find: Any, name: str, address: str, request: Any) -> None:
        reply = Reply(self._reactor, self._workers, request)
        with self._downloads.taken(address):
            found = await self._workers.run(find)
            if found is None:
                sentence = "This file is not there any more: whoever takes it away has been here."
                reply.refuse(HTTPStatus.NOT_FOUND, sentence)
                return
            request.setHeader("content-disposition", disposition(name))
            await reply.send(found)


def disposition(name: str) -> str:
    """A header that has browsers keep a file under `name`, which is a stranger's."""
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._+~-") else "_"
        for letter in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def find_result(
    archive: ArchiveSnapshot,
    build: BuildSnapshot,
    attempt: AttemptSnapshot,
    file: StoredFile,
    spool_dir: Path,
) -> OpenedFile | None:
    """The file, wherever it is now, in a file thread; None where it is gone, or another one."""
    for root, path in _places(archive, build, attempt, file, spool_dir):
        found = open_below(root, path, "")
        if isinstance(found, Listing) or found is None:
            continue
        if found.size == file.size:
            return OpenedFile(found.stream, found.size, file.sha256, _TYPE, found.content)
        if found.content is None:
            found.stream.close()
    return None


def _places(
    archive: ArchiveSnapshot,
    build: BuildSnapshot,
    attempt: AttemptSnapshot,
    file: StoredFile,
    spool_dir: Path,
) -> list[tuple[Path, Sequence[str]]]:
    """Directories, and paths below them, where it may be. Our own names first."""
    number = spool_name(attempt.files.index(file) + 1)
    places: list[tuple[Path, Sequence[str]]] = [(spool_dir, (attempt.spool, number))]
    if attempt.outcome is not AttemptOutcome.PUBLISHED or file.name != Path(file.name).name:
        return places
    if archive.uploader is UploaderKind.DIRECTORY:
        places.append((Path(archive.path), (INCOMING, attempt.cookie, file.name)))
    root = published_directory(archive)
    if root is not None:
        source = build.source
        prefix = source[:4] if source.startswith("lib") else source[0]
        name = (
            file.name.removesuffix(".ddeb") + ".deb" if file.name.endswith(".ddeb") else file.name
        )
        places.append((root, ("pool", build.component, prefix, source, name)))
    return places
