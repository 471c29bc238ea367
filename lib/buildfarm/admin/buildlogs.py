"""The verb of build logs: from the builder while it builds, from the file store afterwards.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

import codecs
from datetime import timedelta

from twisted.internet.task import deferLater

from buildfarm.admin.farm import Caller, Farm, Live
from buildfarm.filestore.logs import StoredLog
from buildfarm.storage import builds, queue
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import BuilderError, Refused
from buildfarm.vocab.secrets import SecretFilter
from buildfarm.vocab.states import BuildState

#: Bytes of log in one piece of an answer.
PIECE = 64 * 1024

#: Seconds between two looks at a log that is followed.
FOLLOW_INTERVAL = 0.5

_RUNS = frozenset({BuildState.BUILDING, BuildState.GATHERING, BuildState.CANCELLING})


class _Sender:
    """Sends a log to the caller, without secrets; characters that two pieces share arrive whole.

    The end of a line that is not complete waits for the next piece, or for `finish`.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._secrets = SecretFilter()
        self.sent = 0

    async def send(self, piece: bytes) -> None:
        """Send these bytes, none to learn whether the caller is still there."""
        self.sent += len(piece)
        await self._caller.send(self._decoder.decode(self._secrets.feed(piece)))

    async def finish(self) -> None:
        """Send what is left: there is no more."""
        if rest := self._secrets.finish():
            await self._caller.send(self._decoder.decode(rest))


async def log(farm: Farm, caller: Caller, *, build_id: int, follow: bool = False) -> BuildSnapshot:
    """Send the build's log in pieces; the build as it is at the end.

    With `follow` a build that waits is waited for, and a running one followed until it has ended.
    Raises Refused for a build that has no log.
    """
    build = await farm.transactor.read(builds.build, build_id)
    sender = _Sender(caller)
    if farm.live is not None:
        await _send_live(farm, farm.live, sender, build, follow)
        build = await farm.transactor.read(builds.build, build_id)
    if build.state in _RUNS:
        if not sender.sent:
            await _send_tail(farm, sender, build)
    elif build.log_digest is not None:
        await _send_stored(farm, sender, build.log_digest)
    elif not sender.sent:
        raise Refused(_no_log(farm, build))
    await sender.finish()
    return build


def _no_log(farm: Farm, build: BuildSnapshot) -> str:
    kept = timedelta(seconds=farm.settings.retention.logs)
    if build.attempt_count and build.finished and build.finished < farm.utc_now() - kept:
        return (
            f"Build {build.id} has no log any more: once a newer version was submitted, logs are "
            f"kept for {kept.days} days ([retention] logs)."
        )
    return f"Build {build.id} has no log: it is {build.state.value}."


async def _send_live(
    farm: Farm, live: Live, sender: _Sender, build: BuildSnapshot, follow: bool
) -> None:
    """Send what builders have of the log so far; with `follow` until the build has ended."""
    while build.state in _RUNS or (follow and build.state is BuildState.NEEDSBUILD):
        await sender.finish()
        sender.sent = 0  # each attempt has a log of its own
        with live.watching(build.id):
            build = await _send_attempt(farm, live, sender, build, follow)
        if not follow:
            return
        await sender.send(b"")
        await deferLater(farm.reactor, FOLLOW_INTERVAL)
        if build.state is BuildState.NEEDSBUILD:
            build = await farm.transactor.read(builds.build, build.id)


async def _send_attempt(
    farm: Farm, live: Live, sender: _Sender, build: BuildSnapshot, follow: bool
) -> BuildSnapshot:
    """Send the log of the attempt that runs; the build as it is when that has ended."""
    attempt = build.attempt_count
    while build.state in _RUNS and build.attempt_count == attempt:
        piece = await _fetch(live, build.id, sender.sent)
        await sender.send(piece)
        if not piece:
            if not follow:
                break
            await deferLater(farm.reactor, FOLLOW_INTERVAL)
        build = await farm.transactor.read(builds.build, build.id)
    return build


async def _fetch(live: Live, build_id: int, start: int) -> bytes:
    """The next piece; empty where there is none yet, or the builder cannot be asked now."""
    try:
        return await live.fetch_log(build_id, start, PIECE) or b""
    except BuilderError:
        return b""


async def _send_tail(farm: Farm, sender: _Sender, build: BuildSnapshot) -> None:
    """Send the end of the log as the database has it: nobody can ask the builder."""
    entry = await farm.transactor.read(queue.queue_entry, build.id)
    if entry is not None and entry.logtail:
        await sender.send(entry.logtail.encode())


async def _send_stored(farm: Farm, sender: _Sender, digest: str) -> None:
    # Opened once: it may be removed while it is read slowly.
    file = await farm.workers.run(farm.filestore.open, digest)
    try:
        stored = await farm.workers.run(StoredLog, file)
        while piece := await farm.workers.run(stored.read, sender.sent, PIECE):
            await sender.send(piece)
    finally:
        await farm.workers.run(file.close)
