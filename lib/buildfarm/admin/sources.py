"""The verb of source packages: submit.

Layer 5. Tests: tests/functional/admin/test_submit.py.
"""

from buildfarm.admin.farm import Caller, Farm
from buildfarm.intake.submit import Offer
from buildfarm.intake.submit import submit as submit_offer
from buildfarm.storage import builds
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import Refused


async def submit(
    farm: Farm,
    caller: Caller,
    *,
    archive: str,
    suite: str,
    architectures: tuple[str, ...] = (),
    score: int = 0,
) -> list[BuildSnapshot]:
    """Queue the source package whose `.dsc`, first, and files the caller sent along."""
    files = {file.name: file.stream for file in caller.files}
    if not files or len(files) < len(caller.files):
        raise Refused("A submission brings its .dsc and every file that it names, each once.")
    offer = Offer(
        dsc_name=caller.files[0].name,
        files=files,
        archive=archive,
        suite=suite,
        architectures=architectures,
        score=score,
        requester=caller.actor,
    )
    ids = await submit_offer(
        offer,
        caller.actor,
        farm.utc_now(),
        transactor=farm.transactor,
        filestore=farm.filestore,
        workers=farm.workers,
    )
    return [await farm.transactor.read(builds.build, build_id) for build_id in ids]
