"""Programs run to their end."""

import os

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.lockfiles import try_hold
from buildfarm.uploads.programs import run_program
from buildfarm.vocab.errors import UploadPostponed


class RunProgramTest(FarmTestCase):
    """What a program gets, and what is kept of it."""

    def test_end(self) -> None:
        """Status and output; standard error is output too."""
        ended = run_program(["sh", "-c", "echo out; echo error >&2; exit 3"])
        self.assertEqual((3, "out\nerror\n"), (ended.status, ended.output))

    def test_signal(self) -> None:
        """A program that was killed has the signal for its status."""
        self.assertEqual(-9, run_program(["sh", "-c", "kill -9 $$"]).status)

    def test_bounded_output(self) -> None:
        """Of very much output the end is kept."""
        output = run_program(["sh", "-c", "seq 100000"]).output
        self.assertTrue(output.endswith("99999\n100000\n"))
        self.assertLess(len(output), 20_000)

    def test_environment(self) -> None:
        """Only what is needed, and what is added; no input."""
        os.environ["SECRET_OF_TEST"] = "secret"
        self.addCleanup(os.environ.pop, "SECRET_OF_TEST")
        output = run_program(["sh", "-c", "cat; env"], env={"ADDED": "1"}).output
        self.assertNotIn("SECRET_OF_TEST", output)
        self.assertIn("ADDED=1\n", output)

    def test_lock(self) -> None:
        """A program holds the locks that it is given, and what it starts does, too."""
        path = self.make_directory() / "lock"
        lock = try_hold(path)
        assert lock is not None
        run_program(
            ["sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $! > pid"],
            descriptors=(lock.fileno(),),
            cwd=path.parent,
        )
        pid = int((path.parent / "pid").read_text())
        lock.leave()
        self.assertIsNone(try_hold(path))
        os.kill(pid, 9)

    def test_deadline(self) -> None:
        """Outside of a child a program is killed at its deadline, with what it has started."""
        ended = run_program(["sh", "-c", "sleep 1000 & sleep 1000"], deadline=0.2)
        self.assertEqual(124, ended.status)

    def test_no_such_program(self) -> None:
        """What cannot be started can be mended."""
        with self.assertRaisesRegex(UploadPostponed, "no-such-program could not be started"):
            run_program(["no-such-program"])
