"""The `dpkg` backend as the daemon sees it: a process that builds, and how it is made to end.

Beside the layers. What a build has started is known by the lock that it inherits, whatever process
group or session it has made for itself; so nothing of a build outlives its abort, its end or a
daemon that was killed. Tests: tests/functional/refbuilder/test_backend.py.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import DeferredLock
from twisted.internet.task import deferLater
from twisted.logger import Logger

from buildfarm.flow.children import CommandResult, run_command
from buildfarm.flow.lockfiles import clear
from buildfarm.flow.reactors import ProcessReactor
from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.job import Ending, Job
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.vocab.states import BuildOutcome
from buildfarm.vocab.text import shown

#: Seconds that a build may take.
DEADLINE = 24 * 3600.0

#: Bytes of an ending: a result takes about a hundred.
_MAX_ENDING = 1024**2

#: Seconds between two attempts to kill a build that is only just starting.
_AGAIN = 0.05


class DpkgBackend:
    """Builds in `place`, for the builder `name`; `workers` run what blocks."""

    log = Logger()

    def __init__(
        self, reactor: ProcessReactor, place: Workplace, name: str, workers: Workers
    ) -> None:
        self._reactor = reactor
        self._place = place
        self._name = name
        self._workers = workers
        self._clearing = DeferredLock()
        self._building = False
        self._aborting = False

    async def open(self) -> None:
        """Kill and remove what the build of a former daemon has left. Raises LockHeld."""
        await self._clear()

    async def build(self, job: Job) -> Ending:
        """Build `job`; see `daemon.Backend`."""
        self._building, self._aborting = True, False
        try:
            await self._workers.run(self._prepare, job)
            result = await self._run()
            await self._clear()
        finally:
            self._building = False
        if self._aborting:
            return Ending(BuildOutcome.ABORTED)
        return await self._ending(result)

    async def abort(self) -> None:
        """Kill the build. Again and again: it may be just about to start."""
        self._aborting = True
        while self._building:
            await self._kill()
            await deferLater(cast(Any, self._reactor), _AGAIN)

    async def _run(self) -> CommandResult:
        module = "buildfarm.refbuilder.dpkgbuild"
        return await run_command(
            self._reactor,
            [sys.executable, "-P", "-m", module, str(self._place.root), self._name],
            deadline=DEADLINE,
            max_output=_MAX_ENDING,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=self._place.build,
        )

    async def _ending(self, result: CommandResult) -> Ending:
        """What the build process said in its last line; the builder's failure where it did not."""
        if result.timed_out:
            await self._say(f"The build was killed: it took more than {DEADLINE / 3600:.0f} hours.")
            return Ending(BuildOutcome.PACKAGEFAIL)
        *noise, last = ["", *result.output.splitlines()]
        try:
            return Ending.from_json(last)
        except ValueError:
            self.log.error(
                "the build process {ending}:\n{output}",
                ending=result.ending,
                output=shown("\n".join([*noise, last])),
            )
            await self._say(f"The builder has failed: its build process {result.ending}.")
            return Ending(BuildOutcome.BUILDERFAIL)

    async def _say(self, text: str) -> None:
        await self._workers.run(self._append_to_log, f"\n{text}\n")

    def _append_to_log(self, text: str) -> None:
        with self._place.log.open("a") as log:
            log.write(text)

    async def _kill(self) -> None:
        """Kill whatever holds the build's lock; one at a time, since looking takes the lock too."""
        await self._clearing.run(self._workers.run, clear, self._place.build_lock, 0.0)

    async def _clear(self) -> None:
        """Kill and remove all that a build has left, results and log excepted."""
        await self._kill()
        await self._workers.run(_remove_tree, self._place.build)

    def _prepare(self, job: Job) -> None:
        self._place.build.mkdir()
        self._place.job.write_text(job.to_json())


def _remove_tree(root: Path) -> None:
    """Remove `root`, also where a build has made directories that it may not write itself."""
    for parent, names, _ in os.walk(root):
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
    if root.exists():
        shutil.rmtree(root)
