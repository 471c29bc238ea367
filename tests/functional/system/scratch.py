"""The files of an installation in a scratch directory, with a daemon that is a stand-in."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).parents[3]
STANDIN = Path(__file__).with_name("standin.tac")


def run(
    *command: object, deadline: float = 60.0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, for `deadline` seconds at most; all that it says is in `stdout`."""
    return subprocess.run(
        [str(argument) for argument in command],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=deadline,
        check=False,
    )


class Installation:
    """What `make install-files` makes of the directory `root`, configured to stay inside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.etc = root / "etc"
        self.init = self.etc / "init.d/buildd-manager"
        self.unit = root / "lib/systemd/system/buildd-manager.service"
        self.config = self.etc / "buildd-manager/manager.toml"
        self.pid_file = root / "run/buildd-manager.pid"
        self.log = root / "log/buildd-manager.log"
        self.notes = root / "notes"
        root.chmod(0o755)
        made = run("make", "-C", TREE, "install-files", f"PREFIX={root}", f"SYSCONFDIR={self.etc}")
        assert made.returncode == 0, made.stdout
        self._stand_in()

    def _stand_in(self) -> None:
        programs = self.root / "lib/buildd-manager/bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name in ("python", "twistd"):
            (programs / name).symlink_to(Path(sys.executable).with_name(name))
        self.config.write_text('[manager]\nstate_dir = "../../state"\n')
        self.set_default("PYTHON", sys.executable)
        self.set_default("TAC", STANDIN)
        self.set_default("DAEMON_USER", pwd.getpwuid(os.geteuid()).pw_name)
        self.set_default("STATE_DIR", self.root / "state")
        self.set_default("LOGFILE", self.log)
        self.set_default("PIDFILE", self.pid_file)

    def set_default(self, name: str, value: object) -> None:
        """Set a variable in the defaults file of the init script."""
        with (self.etc / "default/buildd-manager").open("a") as stream:
            stream.write(f"{name}={value}\n")

    def service(self, *arguments: str) -> int:
        """Run the init script and return its exit status."""
        return run(self.init, *arguments, STANDIN_NOTES=str(self.notes)).returncode

    @property
    def pid(self) -> int:
        """The process that the pid file names."""
        return int(self.pid_file.read_text())

    def noted(self) -> list[str]:
        """What happened to the stand-in so far."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []
