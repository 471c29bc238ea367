"""`buildd-manager init`, `check-config`, `backup` and `restore`.

Layer 7. `init` and `restore` change the database under a daemon's feet, so they take its lock.
Tests: tests/functional/commands/test_database.py.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import pass_manager
from buildfarm.flow.durable import flush_directory
from buildfarm.vocab.errors import FarmError, Refused


@click.command()
@pass_manager
def init(manager: Manager) -> None:
    """Make the database, or upgrade an older one after a backup.

    Refused while the manager runs.
    """
    from buildfarm.assembly.lock import hold_lock
    from buildfarm.assembly.settings import load
    from buildfarm.storage.database import Database

    settings = load(manager.config)
    database = Database(settings.database_uri)
    with hold_lock(settings):
        done = database.init(settings.manager.state_dir)
    if done.before == done.after:
        click.echo(f"{database.name} is up to date (version {done.after}).")
    elif done.before == 0:
        click.echo(f"{database.name} was made (version {done.after}).")
    else:
        click.echo(
            f"{database.name} was upgraded from version {done.before} to {done.after}; "
            f"the old one is kept in {done.backup}."
        )


@click.command("check-config")
@pass_manager
def check_config(manager: Manager) -> None:
    """Say whether the configuration file can be used, and if not, everything that is wrong.

    It also says where a disk has less room than [manager] min_free_bytes, and which files others
    could read that should not, or the manager cannot.
    """
    from buildfarm.assembly.certificates import certificate_faults
    from buildfarm.assembly.modes import open_modes
    from buildfarm.assembly.settings import load
    from buildfarm.notifying.secretfiles import unusable
    from buildfarm.scanning.diskwatch import shortages

    settings = load(manager.config)
    faults = [f"{manager.config}: {key}: {reason}." for key, reason in certificate_faults(settings)]
    if faults:
        raise Refused("\n".join(faults))
    click.echo(f"{manager.config}: ok")
    warnings = (*shortages(settings), *open_modes(manager.config, settings), *unusable(settings))
    for sentence in warnings:
        click.echo(f"warning: {sentence}.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_manager
def backup(manager: Manager, file: Path) -> None:
    """Copy the database into the new FILE, while the manager runs or not.

    \b
    Example:
      buildd-manager backup /srv/backups/farm-$(date +%F).db
    """
    if file.exists():
        raise Refused(f"{file} cannot be made: File exists.")
    unfinished = file.with_name(f"{file.name}.unfinished")
    with ExitStack() as stack:
        try:
            target = stack.enter_context(_made_alone(unfinished))
        except BlockingIOError:
            raise Refused(f"{file} is being made by another command; wait for that.") from None
        except OSError as error:
            raise Refused(f"{file} cannot be made: {error.strerror}.") from error
        done = manager.ask_with("backup", {}, [file.name], [target])
        os.fsync(target.fileno())
        _require_copied(target, done)
        try:
            os.link(unfinished, file)  # unlike a rename, not over what has appeared meanwhile
        except FileExistsError:
            raise Refused(f"{file} cannot be made: File exists.") from None
        flush_directory(file.absolute().parent)
    click.echo(f"The database was copied to {file} ({done['size']} bytes) and checked.")


@contextmanager
def _made_alone(unfinished: Path) -> Iterator[BinaryIO]:
    """The new file `unfinished`, and no other command takes its name meanwhile; gone afterwards.

    It is made here, for its owner alone, since the manager may not be allowed to write there.
    Raises BlockingIOError where another command writes it; what a killed one left is removed.
    """
    with suppress(FileNotFoundError), _locked(unfinished):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as stream, _locked(unfinished) as lock:
        if not os.path.samestat(os.fstat(descriptor), os.fstat(lock)):
            raise BlockingIOError  # another one came between the two lines above
        try:
            yield stream
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the lock of `path` by a descriptor of its own, which no manager that hangs is sent."""
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
    finally:
        os.close(lock)


def _require_copied(target: BinaryIO, done: dict[str, Any]) -> None:
    """Read back what was written, and compare it with what was checked."""
    target.seek(0)
    digest = hashlib.sha256()
    while piece := target.read(1024 * 1024):
        digest.update(piece)
    if digest.hexdigest() != done["sha256"]:
        raise FarmError("What was written is not what was copied; is the disk in order?")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_manager
def restore(manager: Manager, file: Path) -> None:
    """Go back to the database in FILE; what is there now is kept beside it.

    Builds that were running when FILE was made are queued again, and every builder is cleaned
    before it gets work. Refused while the manager runs.
    """
    from buildfarm.assembly.lock import hold_lock
    from buildfarm.assembly.settings import load
    from buildfarm.assembly.walltime import utc_now
    from buildfarm.filestore.store import FileStore
    from buildfarm.retention.missing import missing_files
    from buildfarm.storage.database import Database

    settings = load(manager.config)
    database = Database(settings.database_uri)
    with hold_lock(settings):
        done = database.restore(file.absolute(), utc_now())
        missing = missing_files(database, FileStore(settings.store_dir))
    click.echo(f"{database.name} is as it was in {file}; {_queued(done.lost)} queued again.")
    if done.kept is not None:
        click.echo(f"The database of before is kept as {done.kept}.")
    for sentence in missing:
        click.echo(f"warning: {sentence}.")


def _queued(builds: int) -> str:
    return "1 build is" if builds == 1 else f"{builds} builds are"
