"""A machine inside this one: systemd as process 1 of namespaces of its own, with our unit.

Its files are those of this machine but for what is mounted here; its network is this machine's,
so that builders of the test are other machines to it. Needs root.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.functional.system.scratch import TREE, run

#: The user that the manager runs as.
USER_ID = 64999

#: Where in the machine the installation, the state and the interpreter are.
PREFIX, STATE, PYTHON = "/opt/farm", "/var/lib/buildd-manager", "/opt/python"

#: Run before systemd, which it becomes. $1 is the installation, $2 the state, $3 the accounts,
#: $4 the tree, $5 the interpreter, $6 the control group.
_BOOT = f"""
set -eu
mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /opt
mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd
mkdir -p {PREFIX} {PYTHON} /opt/tree /run/systemd/system /run/state
mount --bind "$1" {PREFIX}
mount --bind "$2" /run/state
mount --bind "$4" /opt/tree
mount --bind "$5" {PYTHON}
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p {STATE} /var/lib/systemd /var/lib/private
mount --move /run/state {STATE}
for name in passwd group; do mount --bind "$3/$name" "/etc/$name"; done
cp -r {PREFIX}/lib/systemd/system/buildd-manager.service {PREFIX}/units/* /run/systemd/system/
setpriv --reuid={USER_ID} --regid={USER_ID} --clear-groups env \\
    PYTHONPATH="$PYTHONPATH" {PREFIX}/bin/buildd-manager init
export container=other
exec /usr/lib/systemd/systemd --system --unit=farm.target --log-target=console --show-status=no
"""

# Kill what is left in the control group $1, and remove it once all of that is gone.
_LEAVE = """
echo 1 > "$1/cgroup.kill"
for _ in $(seq 200); do
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null && exit
    sleep 0.05
done
"""

_TARGET = """\
[Unit]
DefaultDependencies=no
Wants=buildd-manager.service
"""

# What an installation brings and the tree has elsewhere; no word of the sandbox. The interpreter
# may come with a library of its own, at a place that the sandbox hides.
_DROP_IN = """\
[Unit]
DefaultDependencies=no
[Service]
Environment=PYTHONPATH={path}
Environment=LD_LIBRARY_PATH={python}/lib
StandardOutput=append:{state}/journal
StandardError=append:{state}/journal
"""


class Machine:
    """Runs the manager of `installation`, which was made for the prefix `PREFIX`."""

    def __init__(self, root: Path, installation: Path, state: Path) -> None:
        self._root = root
        self._installation = installation
        self._state = state
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._group = _unified_groups() / f"farm-{os.getpid()}"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self._path = f"/opt/tree/lib:/opt/tree/.venv/lib/{version}/site-packages"

    def start(self) -> None:
        """Boot it, without waiting."""
        self._write_files()
        self._group.mkdir()
        self._log = (self._root / "boot.log").open("wb")
        enter = f'echo $$ > {self._group}/cgroup.procs; exec "$@"'
        namespaces = ["--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"]
        command = ["sh", "-c", enter, "sh", "unshare", *namespaces, "sh", "-c", _BOOT, "sh"]
        places = (self._installation, self._state, self._root, TREE, Path(sys.base_prefix))
        self._process = subprocess.Popen(
            [*command, *map(str, places)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": self._path},
            start_new_session=True,
        )

    def end(self) -> None:
        """Switch it off, with all that runs in it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
        if self._log is not None:
            self._log.close()
        run("sh", "-c", _LEAVE, "sh", self._group)

    def run(self, *command: str) -> str:
        """What `command` says in the machine, as root, outside of the unit's sandbox."""
        assert self._process is not None, "start() comes first"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        enter = [
            "nsenter",
            "--target",
            children.split()[0],
            "--mount",
            "--pid",
            "--ipc",
            "--cgroup",
        ]
        return run(*enter, *command).stdout

    def story(self) -> str:
        """What the machine and the manager have logged."""
        journal = self._state / "journal"
        told = (self._root / "boot.log").read_text(errors="replace")
        return told + (journal.read_text(errors="replace") if journal.exists() else "")

    def _write_files(self) -> None:
        programs = self._installation / "lib/buildd-manager/bin"
        programs.mkdir(parents=True, exist_ok=True)
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        (programs / "python").symlink_to(f"{PYTHON}/bin/{name}")
        for program in ("twistd", "buildd-manager"):
            (programs / program).write_bytes(Path(sys.executable).with_name(program).read_bytes())
        drop_ins = self._installation / "units/buildd-manager.service.d"
        drop_ins.mkdir(parents=True)
        (drop_ins / "test.conf").write_text(
            _DROP_IN.format(path=self._path, python=PYTHON, state=STATE)
        )
        (drop_ins.parent / "farm.target").write_text(_TARGET)
        entry = f"buildd-manager:x:{USER_ID}:"
        for name, rest in (("passwd", f"{USER_ID}::{STATE}:/usr/sbin/nologin\n"), ("group", "\n")):
            before = Path("/etc", name).read_text()
            (self._root / name).write_text(f"{before}{entry}{rest}")
        os.chown(self._state, USER_ID, USER_ID)


def _unified_groups() -> Path:
    """Where the one hierarchy of control groups is mounted that systemd uses."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise FileNotFoundError("no cgroup2 file system is mounted")
