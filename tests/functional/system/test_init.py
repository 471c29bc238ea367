"""The init script, in a scratch directory, with the exit statuses of the LSB."""

import os
import signal

from buildfarm.farmtesting.cases import FarmTestCase
from tests.functional.system.scratch import Installation, run

RUNNING, DEAD_WITH_PID_FILE, NOT_RUNNING = 0, 1, 3


class TestInitScript(FarmTestCase):
    def setUp(self) -> None:
        """Install into a scratch directory."""
        super().setUp()
        self.installed = Installation(self.make_directory())
        self.addCleanup(self.installed.service, "stop")

    def start(self) -> int:
        """Start the daemon and return its process id."""
        self.assertEqual(0, self.installed.service("start"))
        return self.installed.pid

    def test_start_and_stop(self) -> None:
        """Started, it runs on epoll with a pid file; stopped, it is gone, in order."""
        self.assertEqual(NOT_RUNNING, self.installed.service("status"))
        pid = self.start()
        self.assertEqual(RUNNING, self.installed.service("status"))
        self.assertEqual(0, self.installed.service("stop"))
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)
        self.assertFalse(self.installed.pid_file.exists())
        self.assertEqual(NOT_RUNNING, self.installed.service("status"))
        self.assertEqual(["running with EPollReactor", "ready", "stopping"], self.installed.noted())

    def test_start_twice(self) -> None:
        """Starting what runs is done already."""
        pid = self.start()
        self.assertEqual(pid, self.start())

    def test_stop_twice(self) -> None:
        """Stopping what does not run is done already."""
        self.assertEqual(0, self.installed.service("stop"))

    def test_restart(self) -> None:
        """A restart makes a new process, also where none ran."""
        self.assertEqual(0, self.installed.service("restart"))
        first = self.installed.pid
        self.assertEqual(0, self.installed.service("restart"))
        self.assertNotEqual(first, self.installed.pid)

    def test_try_restart(self) -> None:
        """The cautious restart leaves alone what does not run."""
        self.assertEqual(0, self.installed.service("try-restart"))
        self.assertEqual(NOT_RUNNING, self.installed.service("status"))

    async def test_force_reload(self) -> None:
        """A reload keeps the process, has it read its settings and open its log again."""
        pid = self.start()
        self.installed.config.write_text(
            '[manager]\nstate_dir = "../../state"\n[scanning]\ncpu_share = 0.5\n'
        )
        self.installed.log.rename(self.installed.log.with_suffix(".1"))
        self.assertEqual(0, self.installed.service("force-reload"))
        await self.wait_until(lambda: "cpu_share is 0.5" in self.installed.noted())
        await self.wait_until(lambda: "read again" in self.installed.log.read_text())
        self.assertEqual(pid, self.installed.pid)

    def test_force_reload_of_nothing(self) -> None:
        """A reload of what does not run says so."""
        self.assertEqual(7, self.installed.service("force-reload"))

    async def test_killed(self) -> None:
        """After a crash the pid file tells, and a start mends it."""
        pid = self.start()
        os.kill(pid, signal.SIGKILL)
        await self.wait_until(lambda: self.installed.service("status") == DEAD_WITH_PID_FILE)
        self.assertNotEqual(pid, self.start())

    def test_pid_of_another(self) -> None:
        """A pid file that names another process stops nobody and keeps nobody from starting."""
        self.installed.pid_file.parent.mkdir()
        self.installed.pid_file.write_text(f"{os.getpid()}\n")
        self.assertEqual(DEAD_WITH_PID_FILE, self.installed.service("status"))
        self.assertEqual(0, self.installed.service("stop"))
        self.installed.pid_file.write_text(f"{os.getpid()}\n")
        self.assertNotEqual(os.getpid(), self.start())

    def test_nonsense_in_pid_file(self) -> None:
        """A pid file with anything else in it is nobody's."""
        self.installed.pid_file.parent.mkdir()
        for text in ("", "-1\n", "1 2\n", "../..\n"):
            self.installed.pid_file.write_text(text)
            self.assertEqual(DEAD_WITH_PID_FILE, self.installed.service("status"))

    def test_refused_start(self) -> None:
        """A daemon that ends right after its start did not start."""
        (self.installed.root / "refuse").touch()
        self.assertEqual(1, self.installed.service("start"))
        self.assertIn("Another manager runs here.", self.installed.log.read_text())

    def test_lingering(self) -> None:
        """A daemon that does not stop in its time is killed."""
        self.installed.set_default("STOP_SECONDS", 1)
        pid = self.start()
        (self.installed.root / "linger").touch()
        self.assertEqual(0, self.installed.service("stop"))
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    def test_not_installed(self) -> None:
        """Without the program the status is the one for that."""
        self.installed.set_default("TAC", self.installed.root / "missing.tac")
        self.assertEqual(5, self.installed.service("start"))

    def test_not_configured(self) -> None:
        """Without a configuration file too."""
        self.installed.config.unlink()
        self.assertEqual(6, self.installed.service("start"))

    def test_unknown_user(self) -> None:
        """So it is where the user that it shall run as does not exist."""
        self.installed.set_default("DAEMON_USER", "nobody-of-that-name")
        # Who is not root is nobody who may start it as somebody else in the first place.
        self.assertEqual(6 if os.geteuid() == 0 else 4, self.installed.service("start"))

    def test_wrong_usage(self) -> None:
        """An unknown action and none at all have statuses of their own."""
        self.assertEqual(3, self.installed.service("dance"))
        self.assertEqual(2, self.installed.service())

    def test_somebody_else(self) -> None:
        """Who is neither root nor the daemon's user may ask for the status and nothing more."""
        self.installed.set_default("DAEMON_USER", "root")
        as_nobody: list[str] = []
        if os.geteuid() == 0:
            as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.assertEqual(4, run(*as_nobody, self.installed.init, "start").returncode)
        self.assertEqual(3, run(*as_nobody, self.installed.init, "status").returncode)

    async def test_log_rotation(self) -> None:
        """logrotate takes the log file away, and the daemon goes on in a new one."""
        self.start()
        rotation = self.installed.etc / "logrotate.d/buildd-manager"
        text = rotation.read_text().replace(
            "/var/log/buildd-manager", str(self.installed.log.parent)
        )
        user, group = self.installed.log.owner(), self.installed.log.group()
        rotation.write_text(text.replace("buildd-manager buildd-manager", f"{user} {group}"))
        rotated = run("logrotate", "--force", "--state", self.installed.root / "rotated", rotation)
        self.assertEqual((0, ""), (rotated.returncode, rotated.stdout))
        await self.wait_until(lambda: "read again" in self.installed.log.read_text())
        self.assertTrue(self.installed.log.with_name("buildd-manager.log.1").exists())
