"""The verbs of builds: list, show, log, cancel, retry, rescore, why.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from typing import Any

from twisted.internet.task import deferLater

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.explaining.why import Why, explain, facts_of
from buildfarm.filestore.logs import StoredLog
from buildfarm.storage import attempts, builds, events, queue
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import BuilderError, Refused
from buildfarm.vocab.states import BuildState

#: Bytes of log in one piece of an answer.
PIECE = 64 * 1024

#: Seconds between two looks at a log that is followed.
_FOLLOW_INTERVAL = 0.5

_RUNS = frozenset({BuildState.BUILDING, BuildState.GATHERING, BuildState.CANCELLING})


async def list_builds(
    farm: Farm,
    caller: Caller,
    *,
    states: list[str] | None = None,
    archive: str | None = None,
    source: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Builds, the latest first, each with the builder of its last attempt."""
    wanted = None if states is None else tuple(map(_state, states))
    found = await farm.transactor.read(builds.builds, wanted, archive, source, limit)
    listed = []
    for build in found:
        tried = await farm.transactor.read(attempts.attempts_of, build.id)
        listed.append({**plain(build), "builder": tried[-1].builder_name if tried else None})
    return listed


async def show(farm: Farm, caller: Caller, *, build_id: int) -> dict[str, Any]:
    """One build with its place in the queue, its attempts and its events."""
    build = await farm.transactor.read(builds.build, build_id)
    return {
        **plain(build),
        "queue": plain(await farm.transactor.read(queue.queue_entry, build_id)),
        "position": await farm.transactor.read(queue.queue_position, build_id),
        "attempts": plain(await farm.transactor.read(attempts.attempts_of, build_id)),
        "events": plain(await farm.transactor.read(events.events_of_build, build_id)),
    }


async def cancel(farm: Farm, caller: Caller, *, build_id: int) -> BuildSnapshot:
    """Cancel a build that waits or runs."""
    return await farm.transactor.write(builds.cancel, build_id, caller.actor, farm.utc_now())


async def retry(
    farm: Farm, caller: Caller, *, build_id: int, rebuild: bool = False
) -> BuildSnapshot:
    """Try a build again that has ended badly."""
    now = farm.utc_now()
    return await farm.transactor.write(builds.retry, build_id, rebuild, caller.actor, now)


async def rescore(farm: Farm, caller: Caller, *, build_id: int, score: int) -> BuildSnapshot:
    """Change how early a waiting build goes."""
    now = farm.utc_now()
    return await farm.transactor.write(builds.rescore, build_id, score, caller.actor, now)


async def why(farm: Farm, caller: Caller, *, build_id: int) -> Why:
    """Why a build waits, or what became of it."""
    facts = await farm.transactor.read(facts_of, build_id)
    pauses = farm.live.pauses() if farm.live is not None else ()
    return explain(facts, pauses, farm.utc_now())


async def log(farm: Farm, caller: Caller, *, build_id: int, follow: bool = False) -> dict[str, Any]:
    """Send the build's log in pieces: the live one of a running build, else the stored one.

    With `follow` a build that waits is waited for, and a running one followed to its end.
    """
    sent = 0
    build = await farm.transactor.read(builds.build, build_id)
    if farm.live is not None and (follow or build.state in _RUNS):
        sent = await _send_live(farm, caller, build, follow)
        build = await farm.transactor.read(builds.build, build_id)
    if build.state in _RUNS:
        return plain(build)  # type: ignore[no-any-return]
    if build.log_digest is None:
        if sent:
            return plain(build)  # type: ignore[no-any-return]
        raise Refused(f"Build {build_id} has no log: it is {build.state.value}.")
    await _send_stored(farm, caller, build.log_digest, sent)
    return plain(build)  # type: ignore[no-any-return]


async def _send_live(farm: Farm, caller: Caller, build: BuildSnapshot, follow: bool) -> int:
    """Send what the builder has of the log; the number of bytes sent."""
    assert farm.live is not None, "the caller has looked"
    sent = 0
    with farm.live.watching(build.id):
        while True:
            try:
                part = await farm.live.fetch_log(build.id, sent, PIECE)
            except BuilderError:
                part = b""
            if part:
                sent += len(part)
                await caller.send(part.decode("utf-8", "replace"))
                continue
            if not follow:
                return sent
            now = await farm.transactor.read(builds.build, build.id)
            waits = now.state in _RUNS or now.state is BuildState.NEEDSBUILD
            if not waits:
                return sent
            await deferLater(farm.reactor, _FOLLOW_INTERVAL)


async def _send_stored(farm: Farm, caller: Caller, digest: str, start: int) -> None:
    def read(position: int) -> bytes:
        with farm.filestore.open(digest) as file:
            return StoredLog(file).read(position, PIECE)

    while part := await farm.workers.run(read, start):
        start += len(part)
        await caller.send(part.decode("utf-8", "replace"))


def _state(word: str) -> BuildState:
    try:
        return BuildState(word.upper())
    except ValueError as error:
        known = ", ".join(state.value for state in BuildState)
        raise Refused(f"There is no state {word!r} (known: {known}).") from error
