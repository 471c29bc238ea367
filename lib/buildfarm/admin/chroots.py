"""The verbs of chroots: set, list.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from buildfarm.admin.farm import Caller, Farm
from buildfarm.intake.chroots import MAX_CHROOT, check_chroot
from buildfarm.storage import chroots
from buildfarm.storage.rehearsal import rehearse
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile


async def change(
    farm: Farm, caller: Caller, *, distribution: str, series: str, architecture: str
) -> ChrootSnapshot:
    """Have builds start from the tarball that the caller sent along."""
    file = caller.the_file()

    def chroot(of: StoredFile) -> ChrootSnapshot:
        return ChrootSnapshot(
            distribution=distribution,
            series=series,
            architecture=architecture,
            image_type=chroots.TARBALL,
            size=of.size,
            sha1=of.sha1,
            sha256=of.sha256,
        )

    now = farm.utc_now()
    unknown = StoredFile(file.name, 0, "", "")
    await rehearse(farm.transactor, chroots.set_chroot, chroot(unknown), caller.actor, now)
    await farm.workers.run(check_chroot, file.name, file.stream)
    file.stream.seek(0)
    with farm.filestore.holding() as hold:
        stored = await farm.workers.run(hold.add, file.stream, max_bytes=MAX_CHROOT, name=file.name)
        return await farm.transactor.write(chroots.set_chroot, chroot(stored), caller.actor, now)


async def list_chroots(farm: Farm, caller: Caller) -> tuple[ChrootSnapshot, ...]:
    """Every chroot."""
    return await farm.transactor.read(chroots.chroots)
