"""A farm with its web service, and the scripts as processes that ask it."""

import json
import os
import pty
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from buildfarm.commands.credentials import write_credentials
from buildfarm.vocab.access import AccessLevel
from tests.functional.webservice.cases import WebServiceTestCase

SCRIPTS = Path(__file__).parents[3] / "scripts"

#: What of our own environment the scripts have.
_OURS = ("PATH", "PYTHONPATH")

#: Seconds that a script may take on a machine that is busy with other tests.
_DEADLINE = 50.0


class ScriptTestCase(WebServiceTestCase):
    """`run` runs a script against the farm until it has ended, as `person` if one is named."""

    #: The script that the test is about.
    script = ""

    async def setUp(self) -> None:
        await super().setUp()
        self.home = self.make_directory()
        self.environment = {
            **{name: os.environ[name] for name in _OURS if name in os.environ},
            "HOME": str(self.home),
            "BUILDD_MANAGER_URL": self.root.rstrip("/"),
            "COLUMNS": "100",
            "TERM": "xterm",
        }

    async def log_in(self, person: str, level: AccessLevel = AccessLevel.ADMINISTER) -> Path:
        """Give the scripts of this test a token of `person`, where they look for one."""
        token = await self.token(person, level)
        directory = self.home / ".config" / "buildd-manager"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"127.0.0.1:{self.farm.web_port}.credentials"
        path.unlink(missing_ok=True)
        write_credentials(path, "buildd-manager", token.key, token.secret)
        return path

    async def run_script(
        self, *arguments: str | Path, status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run the script without a terminal; it must end with `status`, and no traceback."""

        def running() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, SCRIPTS / self.script, *arguments],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_DEADLINE,
                check=False,
            )

        ended = await deferToThread(running)
        self.assertNotIn("Traceback", ended.stderr)
        self.assertEqual(status, ended.returncode, f"{arguments}: {ended.stdout}{ended.stderr}")
        return ended

    async def told(self, *arguments: str | Path, status: int = 0) -> str:
        """What the script prints; without a terminal nothing of it is coloured."""
        output = (await self.run_script(*arguments, status=status)).stdout
        self.assertNotIn("\x1b", output)
        return output

    async def told_json(self, *arguments: str | Path, status: int = 0) -> Any:
        """What the script answers with `--json`."""
        return json.loads(await self.told(*arguments, "--json", status=status))

    async def refusal(self, *arguments: str | Path) -> str:
        """The sentence with which the script is refused; it prints nothing else."""
        ended = await self.run_script(*arguments, status=1)
        self.assertEqual("", ended.stdout)
        return ended.stderr.strip()

    async def usage(self, *arguments: str | Path) -> str:
        """What the script says of wrong usage."""
        return (await self.run_script(*arguments, status=2)).stderr

    async def on_terminal(
        self, *arguments: str | Path, answer: str = "", when: str = "", status: int = 0
    ) -> str:
        """What the script shows on a terminal, where `answer` is typed once `when` is seen."""
        command = [sys.executable, str(SCRIPTS / self.script), *map(str, arguments)]
        ended, output = await deferToThread(_on_terminal, command, self.environment, answer, when)
        self.assertEqual(status, ended, output)
        return output


def _on_terminal(
    command: list[str], environment: dict[str, str], answer: str, when: str
) -> tuple[int, str]:
    """The exit status of `command` in a terminal of its own, and what it has shown there."""
    terminal, theirs = pty.openpty()
    # A session of its own: what is typed reaches it as from a keyboard, Ctrl-C included.
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, answered = b"", False
    # A terminal whose last writer has gone fails to be read.
    with os.fdopen(terminal, "r+b", buffering=0) as stream, suppress(OSError):
        while select.select([stream], [], [], _DEADLINE)[0]:
            part = os.read(terminal, 65536)
            if not part:
                break
            shown += part
            if not answered and when.encode() in shown:
                answered = True
                stream.write(answer.encode())
    return process.wait(_DEADLINE), shown.decode()
