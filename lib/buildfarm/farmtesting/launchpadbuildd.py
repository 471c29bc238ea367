"""Genuine build daemons: launchpad-buildd 206, as `make lpbuildd-venv` installs it.

Beside the layers. The release on PyPI is the daemon without its build scripts. The stand-ins below
take their place: they unpack the chroot tarball, build the source package in the open, as sbuild
would in a chroot, and end with sbuild's exit codes and words. So a genuine daemon goes through
every state and outcome with the packages that the reference builder gets too. Nothing outside the
daemon's own directory is touched: `sudo` does nothing, or the daemon would write into /etc/schroot.

Its own test is in `tests/functional/farmtesting/test_daemons.py`.
"""

import re
import subprocess
from pathlib import Path

from fixtures import EnvironmentVariable
from testtools.content import text_content
from txfixtures.tachandler import TacTestFixture

from buildfarm.farmtesting.strayprocesses import kill_process, kill_processes_in

_ENVIRONMENT = Path(__file__).parents[3] / ".venvs" / "launchpad-buildd"

_CONFIGURATION = """\
[builder]
architecturetag = {architecture}
filecache = {root}/filecache
bindport = 0:interface=127.0.0.1
sharepath = {root}
"""

_SUDO = """\
#!/bin/sh
exit 0
"""

_BUILDER_PREP = """\
#!/bin/sh
echo "A stand-in for builder-prep."
"""

# in-target OPERATION --backend=… --series=… --arch=… BUILD [--image-type TYPE FILE]
_IN_TARGET = """\
#!/bin/sh
operation=$1
build=$HOME/build-$5
case $operation in
unpack-chroot)
    tar -C "$build" -xf "$8" && mkdir "$build/chroot-autobuild/build"
    ;;
scan-for-processes)
    # What was begun while one round looked is found by the next, as by the genuine script.
    found=yes
    while [ "$found" ]; do
        found=
        for process in /proc/[0-9]*; do
            case $(readlink "$process/cwd") in
            "$build"/*) kill -KILL "${process#/proc/}" && found=yes ;;
            esac
        done
    done
    ;;
remove-build)
    rm -rf "$build"
    ;;
esac
"""

# sbuild-package BUILD ARCHITECTURE SUITE … [-A] FILE.dsc: exits with 2 if the package does not
# build, and with 3 if something cannot be installed.
_SBUILD_PACKAGE = """\
#!/bin/sh
umask 022
export LC_ALL=C.UTF-8
cd "$HOME/build-$1" || exit 4
suite=$3
kind=-B
for argument; do
    [ "$argument" = -A ] && kind=-b
    source=$argument
done
dpkg-source --extract "$source" source && cd source || exit 2
if ! missing=$(dpkg-checkbuilddeps 2>&1); then
    echo "The following packages have unmet dependencies:"
    echo " sbuild-dummy : Depends: ${missing#*dependencies: } but it is not installable"
    echo "Fail-Stage: install-deps"
    exit 3
fi
dpkg-buildpackage $kind -us -uc --changes-option=-DDistribution="$suite" || exit 2
"""

_SCRIPTS = {
    "sudo": _SUDO,
    "builder-prep": _BUILDER_PREP,
    "in-target": _IN_TARGET,
    "sbuild-package": _SBUILD_PACKAGE,
}

# How twistd's log tells which port it got.
_LISTENING = re.compile(r"Site starting on (\d+)")


class LaunchpadBuildd(TacTestFixture):  # type: ignore[misc]
    """One genuine daemon on a free port of 127.0.0.1, gone at clean-up with all that it started.

    `root` is an empty directory that the test owns. Set-up blocks for about a second.
    """

    def __init__(self, root: Path, architecture: str | None = None) -> None:
        super().__init__()
        self._root = root
        self._architecture = architecture or host_architecture()

    @property
    def url(self) -> str:
        """The builder's URL, as a roster has it."""
        return f"http://127.0.0.1:{self.daemon_port}"

    @property
    def pid(self) -> int:
        """The id of the daemon's process."""
        return int((self._root / "twistd.pid").read_text())

    @property
    def root(self) -> str:
        """The daemon's home: file cache, builds, scripts, log."""
        return str(self._root)

    @property
    def tacfile(self) -> str:
        """launchpad-buildd's own."""
        found = list(_ENVIRONMENT.glob("lib/python3*/site-packages/lpbuildd/buildd-slave.tac"))
        if not found:
            raise FileNotFoundError(
                f"There is no launchpad-buildd in {_ENVIRONMENT}: run make lpbuildd-venv."
            )
        return str(found[0])

    @property
    def pidfile(self) -> str:
        """Where twistd writes the daemon's process id."""
        return str(self._root / "twistd.pid")

    @property
    def logfile(self) -> str:
        """What twistd and the daemon log."""
        return str(self._root / "twistd.log")

    @property
    def daemon_port(self) -> int | None:
        """The port that the daemon listens on, None as long as it does not."""
        log = self._root / "twistd.log"
        listening = _LISTENING.search(log.read_text()) if log.exists() else None
        return int(listening[1]) if listening else None

    def setUp(self) -> None:
        """Start the daemon and wait until it listens."""
        environment = {
            "HOME": self.root,
            "BUILDD_SLAVE_CONFIG": str(self._root / "buildd.conf"),
            "PATH": f"{self._root}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        variables = [EnvironmentVariable(*item) for item in environment.items()]
        for variable in variables:
            variable.setUp()
        try:
            super().setUp(
                python_path=str(_ENVIRONMENT / "bin/python"),
                twistd_script=str(_ENVIRONMENT / "bin/twistd"),
            )
        finally:
            for variable in variables:
                variable.cleanUp()

    def setUpRoot(self) -> None:
        """Write configuration and scripts; called by the base class before it starts the daemon."""
        self.addCleanup(kill_processes_in, self._root)
        (self._root / "filecache").mkdir()
        (self._root / "bin").mkdir()
        for name, text in _SCRIPTS.items():
            script = self._root / "bin" / name
            script.write_text(text)
            script.chmod(0o755)
        configuration = _CONFIGURATION.format(architecture=self._architecture, root=self._root)
        (self._root / "buildd.conf").write_text(configuration)

    def killTac(self) -> None:
        """Kill the daemon, which has nothing to put in order; its log is for the test's report."""
        if (self._root / "twistd.pid").exists():
            kill_process(self.pid)
        if self._proc:
            self._proc.stdout.close()
        log = self._root / "twistd.log"
        if log.exists():
            self.addDetail("launchpad-buildd's log", text_content(log.read_text()[-20000:]))

    def _hasDaemonStarted(self) -> bool:
        return self.daemon_port is not None


def host_architecture() -> str:
    """This machine's architecture in Debian's words."""
    told = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()
