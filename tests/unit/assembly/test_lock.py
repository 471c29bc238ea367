"""The manager's lock: whose it is, and who may take it."""

import os

from buildfarm.assembly.lock import LockTaken, hold_lock
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import ManagerSettings, Settings


class TestHoldLock(FarmTestCase):
    def setUp(self) -> None:
        """A state directory that does not exist yet."""
        super().setUp()
        self.state = self.make_directory() / "state"
        self.settings = Settings(manager=ManagerSettings(state_dir=self.state))

    def test_free(self) -> None:
        """The state directory is made for its owner and group, and the lock taken."""
        with hold_lock(self.settings):
            self.assertEqual(0o750, self.state.stat().st_mode & 0o777)
            self.assertTrue(self.settings.lock_file.exists())

    def test_taken(self) -> None:
        """Who has it is named; once it is given up it can be taken."""
        with hold_lock(self.settings):
            error = self.assertRaises(LockTaken, hold_lock, self.settings)
        self.assertIn(f"process {os.getpid()}", str(error))
        hold_lock(self.settings).release()

    def test_anothers_directory(self) -> None:
        """Root leaves nothing in the daemon's directory that the daemon could not use."""
        self.state.mkdir()
        self.patch(os, "geteuid", lambda: os.getuid() + 1)
        error = self.assertRaises(Refused, hold_lock, self.settings)
        self.assertIn("give this command as", str(error))
        self.assertEqual([], [*self.state.iterdir()])

    def test_no_directory(self) -> None:
        """A state directory that cannot be is refused with the reason."""
        self.state.write_text("not a directory")
        error = self.assertRaises(Refused, hold_lock, self.settings)
        self.assertIn(f"{self.state} cannot be used: File exists.", str(error))
