"""The verbs of archives: add, change, list.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from buildfarm.admin.farm import Caller, Farm
from buildfarm.storage import archives
from buildfarm.uploads.creation import create_archive
from buildfarm.uploads.signing import make_signing_key
from buildfarm.vocab.archive import ArchiveSnapshot, NewArchive
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import UploaderKind


async def add(
    farm: Farm,
    caller: Caller,
    *,
    name: str,
    distribution: str,
    suites: list[str],
    architectures: list[str],
    nominated_architecture: str,
    uploader: str,
    path: str,
    component: str = "main",
    bases: list[str] | None = None,
    trusted_keys: list[str] | None = None,
    key_id: str | None = None,
    make_key: bool = False,
    private: bool = False,
    virtualized: bool = False,
) -> ArchiveSnapshot:
    """Add an archive, and make what its uploader needs."""
    new = NewArchive(
        name=name,
        distribution=distribution,
        suites=tuple(suites),
        architectures=tuple(architectures),
        nominated_architecture=nominated_architecture,
        uploader=_kind(uploader),
        path=path,
        component=component,
        bases=tuple(bases or ()),
        trusted_keys=tuple(trusted_keys or ()),
        key_id=key_id,
        private=private,
        virtualized=virtualized,
    )
    await _require_new(farm, name)
    if make_key:
        key = await farm.workers.run(make_signing_key, Path(path), name)
        new = replace(new, key_id=key.fingerprint, trusted_keys=(*new.trusted_keys, key.public_key))
    await farm.workers.run(create_archive, new, farm.settings.locks_dir)
    return await farm.transactor.write(archives.add_archive, new, caller.actor, farm.utc_now())


async def change(
    farm: Farm, caller: Caller, *, name: str, changes: dict[str, Any]
) -> ArchiveSnapshot:
    """Change fields of an archive, and bring what its uploader needs up to date."""
    now = farm.utc_now()
    changed = await farm.transactor.write(archives.change_archive, name, changes, caller.actor, now)
    await farm.workers.run(create_archive, changed, farm.settings.locks_dir)
    return changed


async def list_archives(farm: Farm, caller: Caller) -> tuple[ArchiveSnapshot, ...]:
    """Every archive."""
    return await farm.transactor.read(archives.archives)


def _kind(word: str) -> UploaderKind:
    try:
        return UploaderKind(word)
    except ValueError as error:
        known = ", ".join(kind.value for kind in UploaderKind)
        raise Refused(f"There is no uploader {word!r} (known: {known}).") from error


async def _require_new(farm: Farm, name: str) -> None:
    """Refuse a name that is taken before anything is made on disk."""
    if any(archive.name == name for archive in await farm.transactor.read(archives.archives)):
        raise Refused(f"There is an archive {name} already.")
