"""The command as a process, on a state directory of the test's own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from buildfarm.admin.client import NobodyListens, connect
from buildfarm.farmtesting.cases import FarmTestCase

COMMAND = Path(sys.executable).with_name("buildd-manager")

#: A source package of the demo's own.
PACKAGE = Path(__file__).parents[3] / "demo" / "packages" / "farm-greeting"

#: Nothing of it is shared with another manager, and no port is known beforehand.
CONFIG = """
[manager]
state_dir = "state"
min_free_bytes = 0
[files]
listen = "tcp:0:interface=127.0.0.1"
[web]
listen = "tcp:0:interface=127.0.0.1"
"""

#: The command line, which ends with a SIGKILL where it calls what its first argument names.
KILLED = """
import importlib, operator, os, signal, sys
from buildfarm.commands.main import main
module, _, name = sys.argv[1].partition(":")
*owner, name = name.split(".")
place = importlib.import_module(module)
place = operator.attrgetter(*owner)(place) if owner else place
setattr(place, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
main(sys.argv[2:])
"""


class CommandTestCase(FarmTestCase):
    """`run_command` runs `buildd-manager` with this configuration until it has ended."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.config = self.directory / "manager.toml"
        self.config.write_text(CONFIG)
        self.state = self.directory / "state"
        self.socket = self.state / "control.sock"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the command."""
        return {**os.environ, "BUILDD_MANAGER_CONFIG": str(self.config)}

    async def run_command(
        self, *arguments: str | Path, status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, which must end with `status`."""

        def running() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [COMMAND, *arguments],
                env=self.environment,
                cwd=self.directory,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        ended = await deferToThread(running)
        self.assertEqual(status, ended.returncode, f"{arguments}: {ended.stdout}{ended.stderr}")
        return ended

    async def told(self, *arguments: str | Path) -> str:
        """What a command prints."""
        return (await self.run_command(*arguments)).stdout

    async def told_json(self, *arguments: str | Path) -> Any:
        """What a command answers with `--json`."""
        return json.loads(await self.told(*arguments, "--json"))

    async def refusal(self, *arguments: str | Path) -> str:
        """The sentence with which a command is refused; it prints nothing else."""
        ended = await self.run_command(*arguments, status=1)
        self.assertEqual("", ended.stdout)
        self.assertNotIn("Traceback", ended.stderr)
        return ended.stderr.rstrip("\n")

    async def kill_at(self, place: str, *arguments: str | Path) -> None:
        """Run a command that is killed (SIGKILL) where it calls `place`, "module:name"."""

        def running() -> int:
            command = [sys.executable, "-c", KILLED, place, *arguments]
            return subprocess.run(command, env=self.environment, timeout=60, check=False).returncode

        self.assertEqual(-signal.SIGKILL, await deferToThread(running), place)

    def start_command(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a command and leave it running; killed at the end."""
        process = subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """`buildd-manager run` in the background, its log in the file `log`; killed at the end."""
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [COMMAND, "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    async def daemon(self) -> subprocess.Popen[bytes]:
        """A daemon that answers commands."""
        process = self.start_daemon()
        await self.wait_until(self.answers, what="a daemon that answers: " + self.log())
        return process

    def answers(self) -> bool:
        """Whether somebody listens at the control socket."""
        try:
            connect(self.socket).close()
        except NobodyListens:
            return False
        return True

    async def stop(self, process: subprocess.Popen[bytes]) -> int:
        """Stop a daemon in order; its exit status."""
        process.send_signal(signal.SIGTERM)
        return await deferToThread(process.wait, 20)

    def log(self) -> str:
        """What the daemon has logged."""
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""
