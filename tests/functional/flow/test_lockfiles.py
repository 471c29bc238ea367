"""Lock files between real processes."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow import lockfiles
from buildfarm.flow.lockfiles import HeldLock, clear, hold, holder, try_hold
from buildfarm.vocab.errors import LockHeld

#: Inherits a lock, says so, and lives until it is killed; `stubborn` ignores SIGTERM.
_HEIR = """
import signal, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(1000)
"""

#: Takes a lock, leaves it to a child in a session of its own, and ends.
_MANAGER = """
import subprocess, sys
from pathlib import Path
from buildfarm.flow import lockfiles
from buildfarm.flow.lockfiles import try_hold
lock = try_hold(Path(sys.argv[1]))
heir = subprocess.Popen(
    ["sleep", "1000"], pass_fds=[lock.fileno()], start_new_session=True,
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
print(heir.pid)
"""


class LockTestCase(FarmTestCase):
    """A lock file, and children that inherit it."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "builder.lock"

    def hold(self) -> HeldLock:
        lock = try_hold(self.path)
        assert lock is not None
        self.addCleanup(lock.leave)
        return lock

    def bequeath(self, lock: HeldLock, kind: str = "tame", session: bool = True) -> int:
        """A child process that has inherited `lock`, ready; its id."""
        heir = subprocess.Popen(
            [sys.executable, "-c", _HEIR, kind],
            stdout=subprocess.PIPE,
            pass_fds=[lock.fileno()],
            start_new_session=session,
        )
        assert heir.stdout is not None
        self.addCleanup(heir.stdout.close)
        self.addCleanup(heir.wait)
        self.addCleanup(heir.kill)
        self.assertEqual(b"ready\n", heir.stdout.readline())
        return heir.pid


class LockTests(LockTestCase):
    """Who holds a lock."""

    def test_held_once(self) -> None:
        """A held lock is not given again until it is released."""
        lock = self.hold()
        self.assertIsNone(try_hold(self.path))
        lock.release()
        self.hold()

    def test_names_its_holder(self) -> None:
        """The file is its owner's only and names the process that holds the lock."""
        self.hold()
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual(f"{os.getpid()}\n", self.path.read_text())
        self.assertEqual(os.getpid(), holder(self.path))

    def test_replaces_what_was_written(self) -> None:
        """Of an earlier holder nothing is left in the file."""
        self.path.write_text("4194304999 and more\n")
        self.hold()
        self.assertEqual(f"{os.getpid()}\n", self.path.read_text())

    def test_nobody(self) -> None:
        """A lock that is free, or was never made, has no holder, whatever the file says."""
        self.assertIsNone(holder(self.path))
        self.hold().release()
        self.assertIsNone(holder(self.path))
        self.path.write_text("not a number")
        self.assertIsNone(holder(self.path))

    def test_process_id_used_again(self) -> None:
        """A process that merely has the id in the file, or the file open, is not the holder."""
        lock = self.hold()
        pid = self.bequeath(lock)
        self.path.write_text(f"{os.getppid()}\n")
        with self.path.open():
            lock.leave()
            self.assertEqual(pid, holder(self.path))

    def test_symbolic_link(self) -> None:
        """A symbolic link in the place of a lock file is refused."""
        self.path.symlink_to(self.path.with_name("elsewhere"))
        self.assertRaises(OSError, try_hold, self.path)

    def test_inherited(self) -> None:
        """A lock outlives the process that took it for as long as a child has it."""
        lock = self.hold()
        pid = self.bequeath(lock)
        lock.leave()
        self.assertIsNone(try_hold(self.path))
        os.kill(pid, signal.SIGKILL)
        clear(self.path, 20)
        self.hold()

    def test_release_frees_it_for_all(self) -> None:
        """Released by one who holds it, a lock is free although a child still has the file open."""
        lock = self.hold()
        self.bequeath(lock)
        lock.release()
        self.hold()

    def test_context(self) -> None:
        """A lock is released at the end of its `with`; releasing again does nothing."""
        with self.hold() as lock:
            self.assertIsNone(try_hold(self.path))
        lock.release()
        self.assertRaises(ValueError, lock.fileno)
        self.hold()

    def test_handed_over(self) -> None:
        """Once handed over, a lock is its new owner's: the old one frees nothing."""
        with self.hold() as lock:
            taken = lock.hand_over()
            self.addCleanup(taken.leave)
        self.assertIsNone(try_hold(self.path))
        taken.release()
        self.hold()


class HoldTests(LockTestCase):
    """`hold`: taken when it gets free."""

    def test_gets_free(self) -> None:
        """A lock that is given up meanwhile is taken."""
        held = self.hold()
        lock = hold(self.path, 20.0, sleep=lambda _: held.release())
        assert lock is not None
        lock.release()

    def test_stays_held(self) -> None:
        """A lock that is not given up in time is not taken."""
        self.hold()
        self.assertIsNone(hold(self.path, 0.05))


class ClearTests(LockTestCase):
    """What becomes of holders that outlived their manager."""

    def test_already_free(self) -> None:
        """A lock that is free, or has never been made, is clear at once."""
        clear(self.path, 0)
        self.assertFalse(self.path.exists())
        self.hold().release()
        clear(self.path, 0)

    def test_terminates(self) -> None:
        """A holder that has not ended within its grace is terminated."""
        lock = self.hold()
        pid = self.bequeath(lock)
        lock.leave()
        clear(self.path, 0.05)
        self.assertEqual((pid, signal.SIGTERM), self.end_of(pid))

    def test_kills(self) -> None:
        """A holder that ignores being terminated is killed."""
        lock = self.hold()
        pid = self.bequeath(lock, "stubborn")
        lock.leave()
        self.patch(lockfiles, "_TERMINATE_GRACE", 0.05)
        clear(self.path, 0)
        self.assertEqual((pid, signal.SIGKILL), self.end_of(pid))

    def test_after_its_manager(self) -> None:
        """The child of a manager that is gone is found and ended, though the file names another."""
        manager = subprocess.run(
            [sys.executable, "-c", _MANAGER, str(self.path)],
            capture_output=True,
            text=True,
            check=True,
        )
        heir = int(manager.stdout)
        self.assertNotEqual(f"{heir}\n", self.path.read_text())
        self.assertEqual(heir, holder(self.path))
        clear(self.path, 0)
        self.assertIsNone(holder(self.path))

    def test_own_group_is_spared(self) -> None:
        """A holder in our own process group is never signalled: we would be hit ourselves."""
        lock = self.hold()
        pid = self.bequeath(lock, session=False)
        lock.leave()
        error = self.assertRaises(LockHeld, clear, self.path, 0)
        self.assertEqual(pid, error.pid)
        self.assertTrue(Path(f"/proc/{pid}").exists())

    def end_of(self, pid: int) -> tuple[int, int]:
        """The id and the signal that ended the child `pid`."""
        ended, status = os.waitpid(pid, 0)
        return ended, os.WTERMSIG(status)
