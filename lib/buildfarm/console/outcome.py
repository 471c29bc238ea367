"""How every command line of ours ends: 0 done, 1 refused with a sentence, 2 wrong usage.

Layer 1. Tests: tests/unit/console/test_outcome.py, tests/functional/commands.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.text import abridged, shown

#: The exit status of what an interrupt (Ctrl-C) has ended, as shells give it.
INTERRUPTED = 130


def run_to_exit(command: click.Command, arguments: Sequence[str] | None, name: str) -> NoReturn:
    """Run `command` under this name and exit; a status other than 0 it may return itself."""
    try:
        status: Any = command.main(arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except FarmError as error:
        click.echo(shown(abridged(str(error))), err=True)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left in the buffer goes nowhere.
        _forget_output()
        sys.exit(0)
    except OSError as error:
        _forget_output()
        click.echo(f"The output cannot be written: {error.strerror}.", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _forget_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
