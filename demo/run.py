"""The demo: five source packages through a farm of three builders, from source to apt.

    make demo                 keeps the farm up until Ctrl-C
    make demo DEMO_EXIT=1     ends by itself: 0 only if every build ended as it should
    make demo DATABASE=postgres   the same with a PostgreSQL server of its own

Beside this file: `farm` (the processes), `postgres` (that server), `apt` (a private apt),
`packages` (the tree's own sources), `reset-builder` (the command that resets a "virtual machine").
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apt import PrivateApt, system_sources
from farm import HOME, REAL, TREE, VIRTUAL, Farm, Refusal
from make_chroot import make_chroot
from make_source import make_source
from rich.console import Console
from rich.table import Table
from rich.text import Text

SUITE = "bookworm"

#: Where people and apt reach the manager of configs/demo.toml.
WEB = "http://127.0.0.1:18085"

#: Who may steer the farm from its page, and the team that makes it so.
OPERATOR, MODERATORS = "operator", "launchpad-buildd-admins"

#: Seconds in which every build must have ended.
DEADLINE = 300.0

_STYLES = {"FULLYBUILT": "green", "FAILEDTOBUILD": "red", "MANUALDEPWAIT": "yellow"}
_UNDER_WAY = {"NEEDSBUILD", "BUILDING", "GATHERING", "UPLOADING"}

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Package:
    """A source package of the demo, where it is published, and how its build must end."""

    name: str
    archive: str
    expected: str


#: `main` is built on the virtual builders, `trusted` on the real one.
PACKAGES = (
    Package("hello", "main", "FULLYBUILT"),
    Package("farm-greeting", "main", "FULLYBUILT"),
    Package("farm-broken", "main", "FAILEDTOBUILD"),
    Package("farm-tools", "trusted", "FULLYBUILT"),
    Package("farm-depwait", "trusted", "MANUALDEPWAIT"),
)


def say(sentence: str) -> None:
    """One line of what is going on."""
    console.print(Text(sentence))


def sources(directory: Path) -> dict[str, Path]:
    """Every package's .dsc: Debian's own `hello` through apt, the others built from the tree."""
    directory.mkdir(parents=True)
    hello = directory / "hello"
    hello.mkdir()
    found = {
        "hello": PrivateApt(HOME / "apt-source", system_sources()).fetch_source("hello", hello)
    }
    for package in PACKAGES[1:]:
        found[package.name] = make_source(TREE / "demo" / "packages" / package.name, directory)
    return found


def set_up(farm: Farm) -> None:
    """Tell the manager of its archives, its chroot and its builders."""
    arch = architecture()
    for archive, more in (("main", ["--virtualized"]), ("trusted", [])):
        uploader = f"reprepro:{HOME / 'archives' / archive}"
        farm.ask(
            "archive", "add", archive, "--suite", SUITE, "--arch", arch, "--make-key",
            "--uploader", uploader, *more,
        )  # fmt: skip
    chroot = make_chroot(HOME / "chroot.tar.gz")
    farm.ask("chroot", "set", f"debian/{SUITE}/{arch}", str(chroot))
    for name, address in (VIRTUAL | REAL).items():
        virtual = ["--virtualized", "--vm-host", "localhost", "--reset-protocol", "1.1"]
        url = f"http://{address}:8221/"
        more = virtual if name in VIRTUAL else []
        farm.ask("builder", "add", name, url, "--processor", arch, *more)


def architecture() -> str:
    """This machine's architecture as Debian calls it."""
    asked = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip() or platform.machine()


def follow(farm: Farm) -> list[dict[str, Any]]:
    """Show each change of each build until all have ended; the builds, the first one first."""
    shown: dict[int, tuple[str, str | None]] = {}
    begun = time.monotonic()
    while True:
        builds = sorted(farm.ask("build", "list"), key=lambda one: int(one["id"]))
        for build in builds:
            now = build["state"], build["builder"]
            if shown.get(build["id"]) != now:
                shown[build["id"]] = now
                where = f" on {build['builder']}" if build["builder"] else ""
                say(f"  {time.monotonic() - begun:5.1f} s  {build['source']}: {now[0]}{where}")
        if not any(build["state"] in _UNDER_WAY for build in builds):
            return builds
        if time.monotonic() - begun > DEADLINE:
            raise Refusal(f"Not all builds ended within {DEADLINE:.0f} s.")
        time.sleep(0.3)


def show_table(farm: Farm, builds: Sequence[dict[str, Any]]) -> None:
    """What became of each build, where, and how long it took."""
    table = Table("id", "package", "archive", "status", "builder", "time")
    for build in builds:
        attempt = farm.ask("build", "show", str(build["id"]))["attempts"][-1]
        table.add_row(
            str(build["id"]),
            f"{build['source']} {build['version']}",
            build["archive"],
            Text(build["state"], style=_STYLES.get(build["state"], "")),
            build["builder"],
            f"{_seconds(attempt['claimed'], build['finished']):.1f} s",
        )
    console.print(table)
    for build in builds:
        if build["state"] != "FULLYBUILT":
            say(f"{build['source']}: {build['reason']}")


def _seconds(begun: str, ended: str) -> float:
    return time.mktime(_parsed(ended)) - time.mktime(_parsed(begun)) + _part(ended) - _part(begun)


def _parsed(moment: str) -> time.struct_time:
    return time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")


def _part(moment: str) -> float:
    return float(f"0.{moment[20:23]}")


def prove(package: str, program: str, archive: str) -> str:
    """Fetch `package` from the published archive with apt, unpack it, run it: what it says."""
    home = HOME / "apt-archive"
    key = HOME / "archives" / archive / "public" / "archive-key.asc"
    signed = f"Signed-By: {key}" if key.exists() else "Trusted: yes"
    entry = (
        f"Types: deb\nURIs: {WEB}/archive/{archive}\nSuites: {SUITE}\nComponents: main\n{signed}\n"
    )
    unpacked = home / "unpacked"
    home.mkdir(parents=True)
    deb = PrivateApt(home, entry).fetch_binary(package, home)
    subprocess.run(["dpkg-deb", "--extract", deb, unpacked], check=True)
    ran = subprocess.run([unpacked / program], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def demonstrate(farm: Farm) -> bool:
    """The whole demo; whether everything ended as it should."""
    say("Fetching the source of hello, building the sources of four small packages.")
    with ThreadPoolExecutor(1) as beside:
        fetching = beside.submit(sources, HOME / "sources")
        say(f"Three builders run: {', '.join(VIRTUAL)} (virtual), {', '.join(REAL)}.")
        set_up(farm)
        say(f"Watch it in a browser: {WEB}/")
        found = fetching.result()
    say("Submitting five source packages:")
    for package in PACKAGES:
        dsc = found[package.name]
        farm.ask("submit", str(dsc), "--archive", package.archive, "--suite", SUITE)
    builds = follow(farm)
    show_table(farm, builds)
    expected = {package.name: package.expected for package in PACKAGES}
    wrong = [build for build in builds if build["state"] != expected[build["source"]]]
    for build in wrong:
        say(f"{build['source']} should have ended as {expected[build['source']]}.")
    failed = next(build for build in builds if build["source"] == "farm-broken")
    say(f"\nThe log of farm-broken:\n  {_command(farm, 'build', 'log', str(failed['id']))}")
    words = prove("hello", "usr/bin/hello", "main")
    say(f"\napt fetched hello from {WEB}/archive/main, and it says: {words}")
    return not wrong and len(builds) == len(PACKAGES)


def _command(farm: Farm, *arguments: str) -> str:
    tree = os.path.relpath(TREE)
    return " ".join(
        [f"{tree}/.venv/bin/buildd-manager", "--config", os.path.relpath(farm.config), *arguments]
    )


def stay(farm: Farm) -> None:
    """Keep the farm up until somebody has seen enough. Raises Refusal if its manager ends."""
    say("\nThe farm stays up until Ctrl-C. Look at it from another terminal:")
    last = str(farm.ask("build", "list")[0]["id"])
    farm.ask("person", "add", OPERATOR)
    farm.ask("person", "add", "--team", MODERATORS)
    farm.ask("person", "join", OPERATOR, MODERATORS)
    for arguments in (("builder", "list"), ("build", "list"), ("build", "why", last)):
        say(f"  {_command(farm, *arguments)}")
    say(f"  the status page: {WEB}/ (to steer the farm from it, log in by the link of")
    say(f"    {_command(farm, 'token', 'login', OPERATOR)})")
    say(f"  the archives: {WEB}/archive/main/ and {WEB}/archive/trusted/")
    say(f"  the manager's log: {os.path.relpath(HOME / 'manager.log')}")
    status = farm.wait_for_manager()
    raise Refusal(f"The manager has ended, with status {status}: its log says why.")


def main() -> int:
    """Run the demo; the exit status."""
    for tool in ("apt-get", "dpkg-source", "dpkg-buildpackage", "reprepro", "gpg"):
        if shutil.which(tool) is None:
            say(f"{tool} is missing; `make demo` installs it on Debian.")
            return 1
    database = os.environ.get("DATABASE") or "sqlite"
    if database not in {"sqlite", "postgres"}:
        say(f"DATABASE={database} is not known: it is sqlite or postgres.")
        return 2
    on_postgres = database == "postgres"
    # SIGINT too: a shell has what it starts in the background ignore it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with Farm(on_postgres=on_postgres) as farm:
            if on_postgres:
                say("The database is PostgreSQL, a server of the demo's own.")
            good = demonstrate(farm)
            if os.environ.get("DEMO_EXIT") != "1":
                stay(farm)
    except Refusal as refusal:
        say(str(refusal))
        return 1
    except subprocess.CalledProcessError as error:
        say(f"{Path(str(error.cmd[0])).name} failed: {error.stdout or error.stderr or error}")
        return 1
    except KeyboardInterrupt:
        say("The farm is taken down.")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
