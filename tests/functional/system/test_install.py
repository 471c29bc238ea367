"""`make install`, in both ways, with the real environment."""

from collections.abc import Iterable
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from tests.functional.system.scratch import TREE, run

COMMANDS = ("buildd-manager", "buildd-refbuilder")
SCRIPTS = (
    "export-history",
    "farm-status",
    "manage-builders",
    "manage-builds",
    "retry-depwait",
    "submit-source",
)

#: Seconds that an installation may take on a machine that is busy with other tests.
INSTALL_DEADLINE = 140.0


def install(**variables: object) -> str:
    """Run `make install` with make's `variables` and return what it says."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    made = run("make", "-C", TREE, "install", *settings, deadline=INSTALL_DEADLINE)
    assert made.returncode == 0, made.stdout
    return made.stdout


class TestInstall(FarmTestCase):
    timeout = 2 * INSTALL_DEADLINE

    def assert_commands_run(self, directory: Path, commands: Iterable[str] = COMMANDS) -> None:
        """The commands of `directory` run, with nothing of this tree or its environment."""
        bare = ["env", "-i", "-C", "/", "PATH=/usr/bin:/bin"]
        for command in commands:
            shown = run(*bare, directory / command, "--help")
            self.assertEqual(0, shown.returncode, shown.stdout)
            self.assertIn("Usage", shown.stdout)

    def test_in_place(self) -> None:
        """Without DESTDIR the commands run where they are, and from a link to them.

        An earlier program is replaced; the operator's configuration is kept.
        """
        root = self.make_directory()
        earlier = root / "lib/buildd-manager/of-an-earlier-version"
        earlier.mkdir(parents=True)
        config = root / "etc/buildd-manager/manager.toml"
        config.parent.mkdir(parents=True)
        config.write_text("# ours\n")
        install(PREFIX=root, SYSCONFDIR=root / "etc")
        self.assert_commands_run(root / "bin")
        links = self.make_directory()
        for command in COMMANDS:
            (links / command).symlink_to(root / "bin" / command)
        self.assert_commands_run(links)
        self.assertFalse(earlier.exists())
        self.assertEqual("# ours\n", config.read_text())

    def test_staged(self) -> None:
        """With DESTDIR nothing names the stage, and the commands run there and once moved."""
        stage = self.make_directory()
        install(DESTDIR=stage, PREFIX="/opt/farm")
        self.assertEqual("", run("grep", "-rl", stage, stage).stdout)
        self.assert_commands_run(stage / "opt/farm/bin")
        moved = self.make_directory() / "farm"
        (stage / "opt/farm").rename(moved)
        self.assert_commands_run(moved / "bin", (*COMMANDS, *SCRIPTS))
        unit = (moved / "lib/systemd/system/buildd-manager.service").read_text()
        self.assertIn("ExecStart=/opt/farm/lib/buildd-manager/bin/python ", unit)
