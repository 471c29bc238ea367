"""A process that keeps a PostgreSQL cluster, and removes it whatever becomes of its user.

    python -m buildfarm.farmtesting.postgreskeeper SETTING=VALUE…

Beside the layers; started by `farmtesting.postgres`. It says where it made the cluster, then obeys
lines: `start` and `stop MODE`, each answered when it is done. At the end of its input it stops the
server and removes everything: that end comes as well when the process that started it was killed.

PostgreSQL refuses to run as root, so for root it runs as another user, in a directory of that
user's.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

#: The user whose cluster it is, inside the database.
OWNER = "buildd"

_USERS = ("postgres", "nobody")

_STOPPING = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}

#: Seconds for the server to go down.
_PATIENCE = 60.0


def programs() -> Path:
    """The directory of PostgreSQL's own programs, of the newest version that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: float(path.parent.parent.name),
    )
    if not found:
        sys.exit("PostgreSQL is not installed: scripts/install-debian-packages check installs it.")
    return found[-1].parent


class Keeper:
    """One cluster in a new directory; `settings` are for `postgres -c`."""

    def __init__(self, settings: Sequence[str]) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._settings = settings
        self._data = self.directory / "data"
        self._as_owner: dict[str, Any] = {"start_new_session": True, "cwd": self.directory}
        if os.geteuid() == 0:
            user = next(name for name in _USERS if _is_user(name))
            shutil.chown(self.directory, user)
            self._as_owner |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        self._programs = programs()
        self._server: Any = None

    def make(self) -> None:
        """Make the cluster; nobody but this machine reaches it, and there everybody is trusted."""
        options = ("--auth=trust", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync")
        owner = f"--username={OWNER}"
        command = [str(self._programs / "initdb"), *options, owner, f"--pgdata={self._data}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_owner)

    def start(self) -> None:
        """Start the server and return when it takes connections; what it logs is in `log`."""
        arguments = [str(self._programs / "postgres"), "-D", str(self._data)]
        for setting in (f"unix_socket_directories={self.directory}", *self._settings):
            arguments += ["-c", setting]
        server = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **self._as_owner,
        )
        assert server.stderr is not None, "it is a pipe"
        said = []
        for line in server.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                break
        else:
            sys.exit("".join(said))
        log = (self.directory / "log").open("a")
        log.writelines(said)
        self._server = server
        self._logging = Thread(target=_append, args=(server.stderr, log))
        self._logging.start()

    def stop(self, mode: str) -> None:
        """Stop the server, if it runs, and return when it is gone."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(_STOPPING[mode])
            server.wait(_PATIENCE)
            self._logging.join()

    def remove(self) -> None:
        """Leave nothing behind."""
        self.stop("immediate")
        shutil.rmtree(self.directory)

    def obey(self, line: str) -> None:
        """Carry out one line of input."""
        match line.split():
            case ["start"]:
                self.start()
            case ["stop", mode]:
                self.stop(mode)
            case _:
                sys.exit(f"{line!r} is no command.")


def _append(lines: Iterable[str], log: TextIO) -> None:
    with log:
        log.writelines(lines)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(settings: Sequence[str]) -> None:
    """Keep a cluster until there is no more input."""
    keeper = Keeper(settings)
    try:
        keeper.make()
        _say(str(keeper.directory))
        for line in sys.stdin:
            keeper.obey(line)
            _say("done")
    finally:
        keeper.remove()


if __name__ == "__main__":
    main(sys.argv[1:])
