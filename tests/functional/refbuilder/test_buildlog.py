"""The log of a build, with real tools that write into it."""

import os
import sys

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.strayprocesses import kill_processes_in
from buildfarm.refbuilder.buildlog import BuildLog, LogFull


class TestBuildLog(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.path = self.directory / "buildlog"

    def open_log(self, limit: int = 100_000) -> BuildLog:
        """The log of the test."""
        log = BuildLog(self.path, limit)
        self.addCleanup(log.close)
        return log

    def run_tool(self, log: BuildLog, *arguments: str) -> int:
        """Run a tool in the directory of the test."""
        self.addCleanup(kill_processes_in, self.directory)
        return log.run(arguments, cwd=self.directory, env=dict(os.environ), pass_fds=[])

    def test_output(self) -> None:
        """The log has the command and all that it prints, to wherever; its status is returned."""
        status = self.run_tool(self.open_log(), "sh", "-c", "echo out; echo err >&2; exit 3")
        self.assertEqual(3, status)
        self.assertEqual(["out", "err"], self.path.read_text().splitlines()[1:])
        self.assertTrue(self.path.read_text().startswith("$ sh -c "))

    def test_bound(self) -> None:
        """A tool that writes more than a log may have is killed, and the log says so."""
        log = self.open_log(10_000)
        with self.assertRaises(LogFull):
            self.run_tool(log, "sh", "-c", "while true; do echo and so on; done")
        self.assertIn("given up: its log has 10000 bytes", self.path.read_text())
        self.assertLess(self.path.stat().st_size, 10_200)

    def test_output_left_to_others(self) -> None:
        """A tool has ended when it has, although something that it left still has its output."""
        leave = f"import subprocess; subprocess.Popen({['sleep', '1000']!r}); print('left it')"
        self.assertEqual(0, self.run_tool(self.open_log(), sys.executable, "-c", leave))
        self.assertTrue(self.path.read_text().endswith("left it\n"))
