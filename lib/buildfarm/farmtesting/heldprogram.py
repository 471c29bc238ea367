"""A program that is held at a chosen call, so that a test can act while it is at work.

Beside the layers; for tests/functional/restarts.
"""

import os
import shutil
from pathlib import Path

_SCRIPT = """#!/bin/sh
# The real program, but a call with the argument {verb} waits while the gate is closed.
case " $* " in
*" {verb} "*)
    while [ -e "{gate}" ]; do : > "{reached}"; sleep 0.05; done ;;
esac
exec "{program}" "$@"
"""


class HeldProgram:
    """Stands before `name` on the search path of whoever gets `environment`."""

    def __init__(self, directory: Path, name: str, verb: str) -> None:
        program = shutil.which(name)
        if program is None:
            raise FileNotFoundError(name)
        self._gate = directory / f"{name}.held"
        self._reached = directory / f"{name}.reached"
        programs = directory / "programs"
        programs.mkdir()
        script = programs / name
        script.write_text(
            _SCRIPT.format(verb=verb, gate=self._gate, reached=self._reached, program=program)
        )
        script.chmod(0o755)
        self.environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def hold(self) -> None:
        """From now on calls wait."""
        self._gate.touch()

    def release(self) -> None:
        """Those that wait go on, and others as well."""
        self._gate.unlink()

    @property
    def waits(self) -> bool:
        """Whether a call has come to wait."""
        return self._reached.exists()
