"""`buildd-manager`: the command line.

Layer 7. Each group of commands is a module, imported when it is asked for, so that a command
starts quickly. A refusal is one sentence on standard error and exit status 1; wrong usage is 2.
Tests: tests/functional/commands.
"""

import importlib
import os
from pathlib import Path

import click

from buildfarm.commands.asking import CONFIG_VARIABLE, DEFAULT_CONFIG, Manager
from buildfarm.console.outcome import run_to_exit
from buildfarm.vocab.settings import UMASK

#: Where each command is: its module and the click command in it.
_COMMANDS = {
    "archive": ("buildfarm.commands.archive", "archive"),
    "backup": ("buildfarm.commands.database", "backup"),
    "build": ("buildfarm.commands.build", "build"),
    "builder": ("buildfarm.commands.builder", "builder"),
    "check-config": ("buildfarm.commands.database", "check_config"),
    "chroot": ("buildfarm.commands.chroot", "chroot"),
    "doctor": ("buildfarm.commands.doctor", "doctor"),
    "init": ("buildfarm.commands.database", "init"),
    "notify": ("buildfarm.commands.notify", "notify"),
    "person": ("buildfarm.commands.person", "person"),
    "restore": ("buildfarm.commands.database", "restore"),
    "run": ("buildfarm.commands.run", "run"),
    "submit": ("buildfarm.commands.submit", "submit"),
    "sweep": ("buildfarm.commands.sweep", "sweep"),
    "token": ("buildfarm.commands.token", "token"),
}


class _Lazy(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, name = place
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=CONFIG_VARIABLE,
    default=DEFAULT_CONFIG,
    show_default=True,
    help=f"The configuration file; also from {CONFIG_VARIABLE}.",
)
@click.version_option(package_name="buildd-manager")
@click.pass_context
def cli(ctx: click.Context, config: Path) -> None:
    """Keep a farm of package builders busy.

    \b
    From nothing to a package:
      buildd-manager init
      buildd-manager run &
      buildd-manager builder add bob http://bob:8221/ --processor amd64
      buildd-manager chroot set debian/bookworm/amd64 chroot.tar.gz
      buildd-manager archive add main --suite bookworm --uploader reprepro --make-key
      buildd-manager submit hello_2.10-3.dsc --archive main --suite bookworm
      buildd-manager build log 1 --follow

    Exit status: 0 done; 1 refused, with a sentence on standard error; 2 wrong usage.
    """
    ctx.obj = Manager(config)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused, 2 wrong usage."""
    os.umask(UMASK)
    run_to_exit(cli, arguments, "buildd-manager")


if __name__ == "__main__":
    main()
