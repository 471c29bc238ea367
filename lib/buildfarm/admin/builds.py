"""The verbs of builds: list, show, cancel, retry, rescore, why. Their logs: `admin.buildlogs`.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.explaining.why import Why, fetch_why
from buildfarm.storage import attempts, builds, depwaits, events, queue
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildState

#: The most builds that one listing may hold.
MAX_LISTED = 10_000


async def list_builds(
    farm: Farm,
    caller: Caller,
    *,
    states: tuple[BuildState, ...] | None = None,
    archive: str | None = None,
    source: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Builds, the latest first, each with the builder of its last attempt."""
    if not 0 < limit <= MAX_LISTED:
        raise Refused(f"The limit {limit} is not between 1 and {MAX_LISTED}.")

    def listed(store: Any) -> list[dict[str, Any]]:
        found = builds.builds(store, states, archive, source, limit)
        return [{**plain(build), "builder": _last_builder(store, build)} for build in found]

    return await farm.transactor.read(listed)


async def show(farm: Farm, caller: Caller, *, build_id: int) -> dict[str, Any]:
    """One build with its place in the queue, its attempts and its events."""

    def shown(store: Any) -> dict[str, Any]:
        return {
            **plain(builds.build(store, build_id)),
            "queue": plain(queue.queue_entry(store, build_id)),
            "position": queue.queue_position(store, build_id),
            "attempts": plain(attempts.attempts_of(store, build_id)),
            "dep_wait": plain(depwaits.dep_wait(store, build_id)),
            "checks": [
                {"time": plain(time), **plain(check)}
                for time, check in depwaits.checks_of(store, build_id)
            ],
            "events": plain(events.events_of_build(store, build_id)),
        }

    return await farm.transactor.read(shown)


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
    pauses = farm.live.pauses() if farm.live is not None else ()
    troubles = farm.live.troubles() if farm.live is not None else {}
    return await fetch_why(farm.transactor, build_id, pauses, farm.utc_now(), troubles)


def _last_builder(store: Any, build: BuildSnapshot) -> str | None:
    if not build.attempt_count:
        return None
    return attempts.attempts_of(store, build.id)[-1].builder_name
