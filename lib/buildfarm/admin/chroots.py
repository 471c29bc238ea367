"""The verbs of chroots: set, list.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from buildfarm.admin.farm import Caller, Farm
from buildfarm.storage import chroots
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name

#: A chroot tarball is not larger than this many bytes.
MAX_CHROOT = 8 * 1024 * 1024 * 1024


async def change(
    farm: Farm, caller: Caller, *, distribution: str, series: str, architecture: str
) -> ChrootSnapshot:
    """Have builds start from the tarball that the caller sent along."""
    for name in (distribution, series, architecture):
        if not is_name(name):
            raise Refused(f"{name!r} is no name: use a-z, 0-9, '.', '+' and '-'.")
    stream = caller.the_file().stream
    stored = await farm.workers.run(
        farm.filestore.add, stream, max_bytes=MAX_CHROOT, name="chroot.tar"
    )
    chroot = ChrootSnapshot(
        distribution=distribution,
        series=series,
        architecture=architecture,
        image_type=chroots.TARBALL,
        size=stored.size,
        sha1=stored.sha1,
        sha256=stored.sha256,
    )
    return await farm.transactor.write(chroots.set_chroot, chroot, caller.actor, farm.utc_now())


async def list_chroots(farm: Farm, caller: Caller) -> tuple[ChrootSnapshot, ...]:
    """Every chroot."""
    return await farm.transactor.read(chroots.chroots)
