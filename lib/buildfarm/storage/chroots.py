"""The chroots that builds start from: one per distribution, series, architecture, image type.

Layer 3. Tests: tests/unit/storage/test_chroots.py.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

from storm.expr import And, Insert, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.rows import CHROOT
from buildfarm.storage.tables import Chroot
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name

#: The image type of a tarball, the only one that `binarypackage` builds start from here.
TARBALL = "chroot"


def chroots(store: Any) -> tuple[ChrootSnapshot, ...]:
    """Every chroot, in the order of distribution, series, architecture."""
    order = (Chroot.distribution, Chroot.series, Chroot.architecture, Chroot.image_type)
    select = Select(CHROOT.columns, tables=[Chroot], order_by=order)
    return tuple(CHROOT.read(row) for row in store.execute(select).get_all())


def chroot_of(
    store: Any, distribution: str, series: str, architecture: str, image_type: str = TARBALL
) -> ChrootSnapshot | None:
    """The chroot that such builds start from, or None."""
    row = store.execute(
        Select(CHROOT.columns, _is(distribution, series, architecture, image_type))
    ).get_one()
    return None if row is None else CHROOT.read(row)


def set_chroot(
    store: Any, chroot: ChrootSnapshot, actor: str, now: datetime
) -> Committed[ChrootSnapshot]:
    """Have builds start from `chroot` from now on; running ones keep the one they began with."""
    place = (chroot.distribution, chroot.series, chroot.architecture, chroot.image_type)
    for name in place:
        if not is_name(name):
            raise Refused(f"{name!r} is no name: use a-z, 0-9, '.', '+' and '-'.")
    row = {getattr(Chroot, field.name): getattr(chroot, field.name) for field in fields(chroot)}
    if chroot_of(store, *place) is None:
        store.execute(Insert(row), noresult=True)
    else:
        store.execute(Update(row, _is(*place)), noresult=True)
    record(store, now, [Change(Place(), f"the chroot of {'/'.join(place[:3])} was set")], actor)
    return Committed(chroot)


def tarball(chroot: ChrootSnapshot) -> StoredFile:
    """The chroot as the file that a builder downloads."""
    name = f"chroot-{chroot.distribution}-{chroot.series}-{chroot.architecture}.tar"
    return StoredFile(name, chroot.size, chroot.sha1, chroot.sha256)


def _is(distribution: str, series: str, architecture: str, image_type: str) -> Any:
    return And(
        Chroot.distribution == distribution,
        Chroot.series == series,
        Chroot.architecture == architecture,
        Chroot.image_type == image_type,
    )
