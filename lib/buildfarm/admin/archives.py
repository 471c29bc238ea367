"""The verbs of archives: add, change, list.

Layer 5. The database is asked first whether the archive is possible, then its uploader makes what
it needs, then the row is written: what is refused leaves nothing behind.
Tests: tests/functional/admin/test_verbs.py.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from typing_extensions import TypedDict

from buildfarm.admin.farm import Caller, Farm
from buildfarm.storage import archives
from buildfarm.storage.rehearsal import rehearse
from buildfarm.uploads.creation import create_archive
from buildfarm.uploads.signing import SigningKey, import_signing_key, make_signing_key
from buildfarm.vocab.archive import ArchiveSnapshot, NewArchive
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name
from buildfarm.vocab.states import UploaderKind

#: Bytes of a file with a secret key.
_MAX_KEY = 1024 * 1024


class ArchiveChanges(TypedDict, total=False):
    """What may be changed of an archive; only what is named is. See `ArchiveSnapshot`."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[misc]  # noqa: RUF012

    suites: tuple[str, ...]
    architectures: tuple[str, ...]
    nominated_architecture: str
    component: str
    bases: tuple[str, ...]
    trusted_keys: tuple[str, ...]
    private: bool
    virtualized: bool


async def add(
    farm: Farm,
    caller: Caller,
    *,
    name: str,
    distribution: str,
    suites: tuple[str, ...],
    architectures: tuple[str, ...],
    nominated_architecture: str,
    uploader: UploaderKind,
    path: str | None = None,
    component: str = "main",
    bases: tuple[str, ...] = (),
    trusted_keys: tuple[str, ...] = (),
    make_key: bool = False,
    private: bool = False,
    virtualized: bool = False,
) -> ArchiveSnapshot:
    """Add an archive, and make what its uploader needs.

    Without `path` it is made in the state directory. It is signed with a key of its own
    (`make_key`), with the secret key in the file that the caller sent along, or not at all.
    """
    new = NewArchive(
        name=name,
        distribution=distribution,
        suites=suites,
        architectures=architectures,
        nominated_architecture=nominated_architecture,
        uploader=uploader,
        path=await farm.workers.run(os.path.realpath, _place(farm, name, uploader, path)),
        component=component,
        bases=bases,
        trusted_keys=trusted_keys,
        private=private,
        virtualized=virtualized,
    )
    now = farm.utc_now()
    await rehearse(farm.transactor, archives.add_archive, new, caller.actor, now)
    if make_key or caller.files:
        key = await _signing_key(farm, caller, new, make_key)
        new = replace(new, key_id=key.fingerprint, trusted_keys=(*new.trusted_keys, key.public_key))
    await farm.workers.run(create_archive, new, farm.settings.locks_dir)
    return await farm.transactor.write(archives.add_archive, new, caller.actor, now)


async def change(
    farm: Farm, caller: Caller, *, name: str, changes: ArchiveChanges
) -> ArchiveSnapshot:
    """Change fields of an archive, and bring what its uploader needs up to date."""
    asked = (name, changes, caller.actor, farm.utc_now())
    changed = await rehearse(farm.transactor, archives.change_archive, *asked)
    await farm.workers.run(create_archive, changed, farm.settings.locks_dir)
    return await farm.transactor.write(archives.change_archive, *asked)


async def list_archives(farm: Farm, caller: Caller) -> tuple[ArchiveSnapshot, ...]:
    """Every archive."""
    return await farm.transactor.read(archives.archives)


def _place(farm: Farm, name: str, uploader: UploaderKind, path: str | None) -> str:
    """The archive's directory, or the program that publishes into it."""
    if path is not None:
        if not Path(path).is_absolute():
            raise Refused(f"{path} is not an absolute path.")
        return path
    if uploader is UploaderKind.COMMAND:
        raise Refused("The uploader `command` needs the path of the program to run.")
    if not is_name(name):
        raise Refused(f"{name!r} is no name for an archive: use a-z, 0-9, '.', '+' and '-'.")
    return str(farm.settings.manager.state_dir / "archives" / name)


async def _signing_key(farm: Farm, caller: Caller, new: NewArchive, make_key: bool) -> SigningKey:
    if new.uploader is not UploaderKind.REPREPRO:
        raise Refused(f"Only reprepro signs what it publishes, not {new.uploader.value}.")
    if make_key and caller.files:
        raise Refused("The archive is signed with a new key or with the one named, not with both.")
    if make_key:
        return await farm.workers.run(make_signing_key, Path(new.path), new.name)
    directory = farm.settings.manager.state_dir
    return await farm.workers.run(
        _imported_key, Path(new.path), caller.the_file().stream, directory
    )


def _imported_key(path: Path, stream: BinaryIO, directory: Path) -> SigningKey:
    """The secret key in `stream`; it passes through a directory that only we can enter."""
    with tempfile.TemporaryDirectory(prefix="key-", dir=directory) as private:
        secret = Path(private) / "secret"
        secret.touch(mode=0o600)
        secret.write_bytes(stream.read(_MAX_KEY))
        return import_signing_key(path, secret)
