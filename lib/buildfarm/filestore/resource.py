"""The files listener: what builders download chroots and sources from.

Layer 3; tests in `tests/functional/filestore/test_resource.py`.

`GET /<sha256>/<name>`. Only the digest counts; the name is for people who read logs. Who may read
which file is decided by a callable, which is also told about files that do not exist, so that 401
and 404 tell a stranger nothing. Downloads beyond a bound are told to come back later. Private
archives are below `archive/`, served by a resource of their own.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from buildfarm.filestore.asking import ask_for_token, credentials
from buildfarm.filestore.guesses import Guesses
from buildfarm.filestore.replies import OpenedFile, Reply, opened
from buildfarm.filestore.sending import SendingResource
from buildfarm.filestore.store import FileStore, is_sha256
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import FileMissing

#: `may_read(sha256, user, password)`: user and password are empty where none were given.
MayRead = Callable[[str, str, str], Awaitable[bool]]

_NOT_FOUND = "There is no such file here."


class FilesResource(SendingResource):
    """Serves `store` to whom `may_read` lets; files are read by `workers`."""

    def __init__(
        self,
        reactor: Clock,
        store: FileStore,
        workers: Workers,
        may_read: MayRead,
        max_downloads: int = 256,
        *,
        guesses: Guesses | None = None,
    ) -> None:
        super().__init__(reactor, workers, max_downloads)
        self._store = store
        self._may_read = may_read
        self._guesses = guesses or Guesses(reactor.seconds)

    async def answer(self, reply: Reply) -> None:
        """Send the file that the path names, if there is one and the client may have it."""
        sha256 = _digest_in(reply.path)
        if sha256 is None:
            reply.refuse(HTTPStatus.NOT_FOUND, _NOT_FOUND)
        elif not await self._may_read(sha256, *credentials(reply.request)):
            ask_for_token(reply, self._guesses)
        else:
            try:
                file = await self._workers.run(self._open, sha256)
            except FileMissing:
                reply.refuse(HTTPStatus.NOT_FOUND, _NOT_FOUND)
            else:
                await reply.send(file)

    def _open(self, sha256: str) -> OpenedFile:
        """In a file thread."""
        return opened(self._store.open(sha256), sha256)


def _digest_in(segments: Sequence[bytes]) -> str | None:
    """The digest that a path of exactly `<sha256>/<name>` names."""
    if len(segments) != 2 or not segments[1]:
        return None
    text = segments[0].decode("ascii", "replace")
    return text if is_sha256(text) else None
