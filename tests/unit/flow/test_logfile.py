"""What the daemon's log looks like, and that it can be rotated."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.logfile import LogFile, log_line

_EVENT = {
    "log_time": 1_767_225_600.25,
    "log_level": LogLevel.info,
    "log_namespace": "buildfarm.scanning.dispatch",
    "log_format": "builder={builder} build={build} attempt={attempt}: sent",
    "builder": "bob-1",
    "build": 12,
    "attempt": 2,
}


class TestLogLine(FarmTestCase):
    def test_line(self) -> None:
        """An event is one line: UTC time, level, where it happened, and the text."""
        self.assertEqual(
            "2026-01-01T00:00:00.250Z info buildfarm.scanning.dispatch: "
            "builder=bob-1 build=12 attempt=2: sent\n",
            log_line(_EVENT),
        )

    def test_text_of_strangers(self) -> None:
        """Control characters are escaped, and no value begins a line of its own."""
        line = log_line(_EVENT | {"builder": "x\x1b[2J\nfake"})
        self.assertNotIn("\x1b", line)
        self.assertEqual("    fake build=12 attempt=2: sent\n", line.splitlines(keepends=True)[1])

    def test_failure(self) -> None:
        """A failure's traceback follows, indented."""
        line = log_line(_EVENT | {"log_failure": Failure(ZeroDivisionError("by zero"))})
        first, *rest = line.splitlines()
        self.assertIn("build=12", first)
        self.assertTrue(all(part.startswith("    ") for part in rest))
        self.assertIn("by zero", rest[-1])

    def test_poor_event(self) -> None:
        """An event that says next to nothing is still a line."""
        self.assertEqual("1970-01-01T00:00:00.000Z info -: \n", log_line({}))


class TestLogFile(FarmTestCase):
    def open_log(self, path: Path) -> LogFile:
        """A log at `path`."""
        log = LogFile(path)
        self.addCleanup(log.close)
        return log

    def test_appends(self) -> None:
        """Lines are on disk when the call returns, after those of an earlier run."""
        path = self.make_directory() / "log"
        path.write_text("earlier\n")
        Logger(namespace="test", observer=self.open_log(path)).info("later")
        self.assertEqual("earlier", path.read_text().splitlines()[0])
        self.assertTrue(path.read_text().endswith("info test: later\n"))

    def test_debug_left_out(self) -> None:
        """What is below the level asked for is not written."""
        path = self.make_directory() / "log"
        Logger(namespace="test", observer=self.open_log(path)).debug("details")
        self.assertEqual("", path.read_text())

    def test_rotation(self) -> None:
        """After the file was renamed, reopening goes on in a new one and loses nothing."""
        path = self.make_directory() / "log"
        log = self.open_log(path)
        rotated = path.rename(path.with_suffix(".1"))
        log(_EVENT)
        log.reopen()
        log(_EVENT | {"build": 13})
        self.assertIn("build=12", rotated.read_text())
        self.assertIn("build=13", path.read_text())
        self.assertNotIn("build=13", rotated.read_text())

    def test_a_full_disk(self) -> None:
        """Lines are dropped and counted, and what was cut off spoils no line after it."""
        path = self.make_directory() / "log"
        log = self.open_log(path)
        log(_EVENT)
        with limited_to(path.stat().st_size + 10):
            log(_EVENT | {"build": 13})
            log(_EVENT | {"build": 14})
        log(_EVENT | {"build": 15})
        log(_EVENT | {"build": 16})
        first, cut, told, *rest = path.read_text().splitlines()
        self.assertIn("build=12", first)
        self.assertEqual(10, len(cut))
        self.assertTrue(told.endswith(": 2 lines before this one could not be written"), told)
        self.assertEqual(["build=15", "build=16"], [line.split()[4] for line in rest])

    def test_a_new_file_that_cannot_be_opened(self) -> None:
        """The log goes on where it was, and says so."""
        directory = self.make_directory() / "logs"
        directory.mkdir()
        log = self.open_log(directory / "log")
        rotated = directory.rename(directory.with_suffix(".1")) / "log"
        log.reopen()
        log(_EVENT)
        self.assertIn("build=12", rotated.read_text())


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """No file can grow beyond `size` meanwhile: a disk that fills up, to whoever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
