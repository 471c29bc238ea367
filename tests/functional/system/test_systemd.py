"""The systemd unit and the file that makes its user, by systemd's own judgement."""

from buildfarm.farmtesting.cases import FarmTestCase
from tests.functional.system.scratch import Installation, run

#: What `systemd-analyze security` may find wanting, in tenths: 0 is a service that can do nothing.
EXPOSURE = 15


class TestUnit(FarmTestCase):
    def setUp(self) -> None:
        """Install into a scratch directory."""
        super().setUp()
        self.installed = Installation(self.make_directory())

    def test_verify(self) -> None:
        """The unit has no fault, and what it starts is there."""
        verified = run("systemd-analyze", "verify", self.installed.unit)
        self.assertEqual((0, ""), (verified.returncode, verified.stdout))

    def test_security(self) -> None:
        """The daemon is shut in: it can do little but what it is for."""
        judged = run(
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            f"--threshold={EXPOSURE}",
            self.installed.unit,
        )
        self.assertEqual(0, judged.returncode, judged.stdout)

    def test_readiness(self) -> None:
        """systemd waits to be told, by the daemon itself, and wants signs of life."""
        lines = self.installed.unit.read_text().splitlines()
        for line in ("Type=notify", "NotifyAccess=main", "User=buildd-manager", "WatchdogSec=60"):
            self.assertIn(line, lines)

    def test_user(self) -> None:
        """systemd-sysusers understands who is to be made."""
        users = self.installed.root / "lib/sysusers.d/buildd-manager.conf"
        made = run("systemd-sysusers", f"--root={self.installed.root}", "--dry-run", users)
        self.assertEqual(0, made.returncode, made.stdout)
        self.assertIn("user 'buildd-manager'", made.stdout)
