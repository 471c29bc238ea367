"""`buildd-manager init`, `check-config`, `backup` and `restore`.

Layer 7. `init` and `restore` change the database under a daemon's feet, so they take its lock.
Tests: tests/functional/commands.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from buildfarm.commands.asking import Manager
from buildfarm.commands.options import pass_manager


@click.command()
@pass_manager
def init(manager: Manager) -> None:
    """Make the database, or upgrade an older one after a backup."""
    from buildfarm.assembly.lock import hold_lock  # noqa: PLC0415
    from buildfarm.assembly.settings import load  # noqa: PLC0415
    from buildfarm.storage.database import Database  # noqa: PLC0415

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
    """Say whether the configuration file can be used, and if not, everything that is wrong."""
    from buildfarm.assembly.settings import load  # noqa: PLC0415

    load(manager.config)
    click.echo(f"{manager.config} is right.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_manager
def backup(manager: Manager, file: Path) -> None:
    """Copy the database into the new FILE, while the daemon runs or not."""
    target = file.absolute()
    manager.ask("backup", {"target": str(target)})
    click.echo(f"The database was copied to {target}.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_manager
def restore(manager: Manager, file: Path) -> None:
    """Go back to the database in FILE; what is there now is kept beside it.

    Builds that were running when FILE was made are queued again.
    """
    from buildfarm.assembly.lock import hold_lock  # noqa: PLC0415
    from buildfarm.assembly.settings import load  # noqa: PLC0415
    from buildfarm.storage.database import Database  # noqa: PLC0415

    settings = load(manager.config)
    database = Database(settings.database_uri)
    with hold_lock(settings):
        now = datetime.now(UTC).replace(tzinfo=None)
        database.restore(file.absolute(), now)
    click.echo(f"{database.path} is as it was in {file}.")
