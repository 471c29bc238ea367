"""The real daemon under twistd, as the systemd unit starts it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from tests.functional.commands.cases import CONFIG
from tests.functional.system.scratch import TREE, run

_PROGRAMS = Path(sys.executable).parent
_TAC = TREE / "buildd-manager/buildd-manager.tac"


class TestDaemon(FarmTestCase):
    def setUp(self) -> None:
        """Make a configuration, a database, and a socket like systemd's."""
        super().setUp()
        self.directory = self.make_directory()
        self.config = self.directory / "manager.toml"
        self.config.write_text(CONFIG)
        made = run(_PROGRAMS / "buildd-manager", "--config", self.config, "init")
        self.assertEqual(0, made.returncode, made.stdout)
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify_socket.close)
        self.notify_socket.bind(str(self.directory / "notify"))
        self.notify_socket.setblocking(False)
        self.notified: list[str] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a daemon as the unit does, its log in a file."""
        log = (self.directory / "log").open("ab")
        self.addCleanup(log.close)
        variables = {
            "BUILDD_MANAGER_CONFIG": str(self.config),
            "NOTIFY_SOCKET": str(self.directory / "notify"),
        }
        command = [
            sys.executable,
            _PROGRAMS / "twistd",
            "--nodaemon",
            "--pidfile=",
            "--reactor=epoll",
        ]
        process = subprocess.Popen(
            [*command, f"--python={_TAC}"],
            cwd=self.directory,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_log(self) -> str:
        """What the daemon has logged."""
        return (self.directory / "log").read_text()

    async def notification(self, text: str) -> None:
        """Wait until systemd would have been told `text`."""

        def told() -> bool:
            try:
                while True:
                    self.notified += self.notify_socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return text in self.notified

        await self.wait_until(told, what=lambda: f"{text} in {self.notified}\n{self.read_log()}")

    async def ended(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of `process` and return its exit status."""
        await self.wait_until(lambda: process.poll() is not None, deadline=30, what="the end")
        return process.wait()

    async def test_life(self) -> None:
        """Ready once it works, reloading on SIGHUP, stopped in order by SIGTERM."""
        daemon = self.start()
        await self.notification("READY=1")
        self.notified.clear()
        daemon.send_signal(signal.SIGHUP)
        await self.notification("RELOADING=1")
        await self.notification("READY=1")
        self.assertNotIn("STOPPING=1", self.notified)
        daemon.send_signal(signal.SIGTERM)
        await self.notification("STOPPING=1")
        # Having stopped in order, twistd ends by the signal that it was sent.
        self.assertEqual(-signal.SIGTERM, await self.ended(daemon))
        self.assertNotIn("Traceback", self.read_log())

    async def test_second_manager(self) -> None:
        """A second one on the same state is refused in a sentence and never called ready."""
        first = self.start()
        await self.notification("READY=1")
        self.notified.clear()
        second = self.start()
        await self.ended(second)
        self.assertIn(f"(process {first.pid}); stop it first.", self.read_log())
        self.assertNotIn("Traceback", self.read_log())
        self.assertEqual([], self.notified)
        self.assertIsNone(first.poll())

    async def test_killed(self) -> None:
        """After a kill the next one starts, with everything as it was."""
        first = self.start()
        await self.notification("READY=1")
        self.notified.clear()
        first.kill()
        await self.ended(first)
        self.start()
        await self.notification("READY=1")
