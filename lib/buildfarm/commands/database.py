"""`buildd-manager init`, `check-config`, `backup` and `restore`.

Layer 7. `init` and `restore` change the database under a daemon's feet, so they take its lock.
Tests: tests/functional/commands/test_database.py.
"""

import os
from pathlib import Path

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import pass_manager
from buildfarm.vocab.errors import Refused


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
        done = database.init()
    if done.before == done.after:
        click.echo(f"{database.path} is up to date (version {done.after}).")
    elif done.before == 0:
        click.echo(f"{database.path} was made (version {done.after}).")
    else:
        click.echo(
            f"{database.path} was upgraded from version {done.before} to {done.after}; "
            f"the old one is kept in {done.backup}."
        )


@click.command("check-config")
@pass_manager
def check_config(manager: Manager) -> None:
    """Say whether the configuration file can be used, and if not, everything that is wrong.

    It also says where a disk has less room than [manager] min_free_bytes.
    """
    from buildfarm.assembly.settings import load
    from buildfarm.scanning.diskwatch import shortages

    load(manager.config)
    click.echo(f"{manager.config}: ok")
    for sentence in shortages(settings):
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
    try:
        # Made here, for its owner alone: the manager may not be allowed to write there.
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{file} cannot be made: {error.strerror}.") from error
    with os.fdopen(descriptor, "r+b") as target:
        try:
            done = manager.ask_with("backup", {}, [file.name], [target])
            os.fsync(target.fileno())
        except BaseException:
            file.unlink()
            raise
    click.echo(f"The database was copied to {file} ({done['size']} bytes).")


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
    from buildfarm.storage.database import Database

    settings = load(manager.config)
    database = Database(settings.database_uri)
    with hold_lock(settings):
        done = database.restore(file.absolute(), utc_now())
    click.echo(f"{database.path} is as it was in {file}; {_queued(done.lost)} queued again.")
    if done.kept is not None:
        click.echo(f"The database of before is kept in {done.kept}.")


def _queued(builds: int) -> str:
    return "1 build is" if builds == 1 else f"{builds} builds are"
