"""Programs run to their end, with a bounded output.

Layer 3; tests in `tests/functional/uploads/test_programs.py`. Blocks until the program has ended.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildfarm.flow.environment import minimal_environment
from buildfarm.vocab.errors import UploadPostponed

#: Bytes kept of the end of what a program prints.
_KEPT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; a negative `status` is a signal. `output` is the end of what it said."""

    status: int
    output: str


def run_program(
    arguments: Sequence[str],
    *,
    deadline: float | None = None,
    descriptors: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Ended:
    """Run `arguments`; `env` is added to the minimal environment.

    In an uploader's child there is no `deadline`: the program shares the child's process group,
    and ends with it. Elsewhere it is given a group of its own, and killed after `deadline` seconds.

    `descriptors` are open locks that the program holds as well, so that nobody takes the archive
    while it is still at work, whatever became of the child. Raises UploadPostponed where the
    program cannot be started.
    """
    if deadline is not None:
        arguments = ("timeout", "--kill-after=5", str(deadline), *arguments)
    output = b""
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=minimal_environment(env),
            cwd=cwd,
            pass_fds=descriptors,
        )
    except OSError as error:
        raise UploadPostponed(f"{arguments[0]} could not be started: {error}.") from error
    with process:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 65536):
            output = (output + piece)[-_KEPT:]
    return Ended(process.returncode, output.decode("utf-8", "replace"))
