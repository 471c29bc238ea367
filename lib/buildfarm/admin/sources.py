"""The verb of source packages: submit.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.intake.submit import Intake, Offer
from buildfarm.storage import builds
from buildfarm.vocab.errors import Refused


async def submit(
    farm: Farm,
    caller: Caller,
    *,
    archive: str,
    suite: str,
    architectures: list[str] | None = None,
    score: int = 0,
) -> list[dict[str, Any]]:
    """Queue the source package whose `.dsc`, first, and files the caller sent along."""
    if not caller.files:
        raise Refused("A submission brings its .dsc and every file that it names.")
    offer = Offer(
        dsc_name=caller.files[0].name,
        files={file.name: file.stream for file in caller.files},
        archive=archive,
        suite=suite,
        architectures=tuple(architectures or ()),
        score=score,
        requester=caller.actor,
    )
    intake = Intake(farm.transactor, farm.filestore, farm.workers, farm.utc_now)
    ids = await intake.submit(offer, caller.actor)
    return [plain(await farm.transactor.read(builds.build, id_)) for id_ in ids]
