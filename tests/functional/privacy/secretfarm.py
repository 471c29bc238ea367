"""A farm with a private archive, and a public one, with builds in every state in each.

Whatever belongs to the private archive has the word `umbrage` in it, and its builds have large ids,
so that any trace of them in an answer is found.
"""

from collections.abc import Sequence
from typing import Any

from storm.expr import Delete, Update

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import Farm
from buildfarm.farmtesting.simulatedresults import package_results
from buildfarm.storage import people
from buildfarm.storage.acts import Committed
from buildfarm.storage.tables import Build, Queue
from buildfarm.vocab.access import BUILDD_ADMINS
from buildfarm.vocab.people import ArchiveRight
from buildfarm.vocab.states import BuildOutcome, BuildState

#: The private archive, and a word that everything of it has.
ARCHIVE = "umbrage"
WORD = "umbrage"

#: Ids of private builds begin here.
FIRST_ID = 73_450_000

VERSIONS = {"main": "1.0", ARCHIVE: "6.66+umbrage1"}

#: How a source of this name ends, and the state that it comes to by itself.
ENDINGS = {
    "built": BuildState.FULLYBUILT,
    "broken": BuildState.FAILEDTOBUILD,
    "lacking": BuildState.MANUALDEPWAIT,
    "rootless": BuildState.CHROOTWAIT,
    "unfit": BuildState.FAILEDTOUPLOAD,
    "running": BuildState.BUILDING,
}

#: States that no farm stays in long: written into the database for the walk.
WRITTEN = tuple(state for state in BuildState if state not in ENDINGS.values())


def script(order: Order) -> Script:
    """What becomes of a build, by the name of its source."""
    dsc = next(name for name in order.filemap if name.endswith(".dsc"))
    source, _, version = dsc.removesuffix(".dsc").partition("_")
    ending = source.rpartition("-")[2]
    # The log of one that runs on and on has something in it at once.
    log = f"the log of {source} in {version}\n".encode() * (20_000 if ending == "running" else 5)
    results = package_results(source, version, source, "amd64", 100)
    if ending == "running":
        return Script(seconds=600, log=log)
    if ending == "broken":
        return Script(BuildOutcome.PACKAGEFAIL, 0.05, log=log)
    if ending == "lacking":
        return Script(BuildOutcome.DEPFAIL, 0.05, dependencies=f"lib{source}", log=log)
    if ending == "rootless":
        return Script(BuildOutcome.CHROOTFAIL, 0.05, log=log)
    if ending == "unfit":
        results = {name: data for name, data in results.items() if name.endswith(".deb")}
    return Script(seconds=0.05, results=results, log=log)


def write_state(store: Any, build_id: int, state: BuildState) -> Committed[None]:
    """Have a waiting build be in another state, as it is for a moment on its way."""
    store.execute(Update({Build.state: state.value}, Build.id == build_id), noresult=True)
    if state not in {BuildState.NEEDSBUILD, BuildState.CANCELLING}:
        store.execute(Delete(Queue.build_id == build_id, Queue), noresult=True)
    return Committed(None)


def begin_at(store: Any, first: int) -> Committed[None]:
    """Have the next build get this id."""
    store.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'build'", (first - 1,))
    return Committed(None)


class SecretFarm:
    """That farm; `ids` are its builds by archive and what they are called after."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.ids: dict[tuple[str, str], int] = {}

    @property
    def private_ids(self) -> Sequence[int]:
        """The builds that nobody may know of."""
        return [one for (archive, _), one in self.ids.items() if archive == ARCHIVE]

    async def furnish(self) -> None:
        """People and archives; the farm does not run yet."""
        write, now = self.farm.write, utc_now()
        for part in ("incoming", "outgoing"):
            (self.farm.root / ARCHIVE / part).mkdir(parents=True)
        await self.farm.add_archive(ARCHIVE, path=str(self.farm.root / ARCHIVE), private=True)
        for name, is_team in (
            *((name, False) for name in ("ann", "bert", "rita", "una")),
            (BUILDD_ADMINS, True),
            ("readers", True),
        ):
            await write(people.add_person, name, "", is_team, "test", now)
        await write(people.join, "ann", BUILDD_ADMINS, "test", now)
        await write(people.join, "rita", "readers", "test", now)
        await write(people.grant, ARCHIVE, "readers", ArchiveRight.READ, "test", now)
        await write(people.grant, ARCHIVE, "una", ArchiveRight.UPLOAD, "test", now)

    async def build(self) -> None:
        """Builds of both archives in every state; of each, one runs on a builder."""
        for archive in ("main", ARCHIVE):
            if archive == ARCHIVE:
                await self.farm.write(begin_at, FIRST_ID)
            for ending in ENDINGS:
                score = -10 if ending == "running" else 0
                await self._submit(archive, ending, score)
        for (_, ending), build_id in list(self.ids.items()):
            await self.farm.wait_for_build(build_id, ENDINGS[ending])
        for archive in ("main", ARCHIVE):
            for state in WRITTEN:
                build_id = await self._submit(archive, state.value.lower(), -100)
                await self.farm.write(write_state, build_id, state)

    async def _submit(self, archive: str, ending: str, score: int) -> int:
        prefix = WORD if archive == ARCHIVE else "open"
        self.ids[archive, ending] = build_id = await self.farm.submit(
            f"{prefix}-{ending}", VERSIONS[archive], score, archive
        )
        return build_id
