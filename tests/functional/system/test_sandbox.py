"""The whole manager under a real systemd, shut in as its unit says, with a farm around it."""

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from buildfarm.admin.client import ask, connect
from buildfarm.admin.protocol import Request
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.ports import free_port
from buildfarm.farmtesting.refbuilders import RefBuilders
from buildfarm.intake.dsc import files_beside
from demo.make_chroot import make_chroot
from demo.make_source import make_source
from tests.functional.system.machine import PREFIX, STATE, USER_ID, Machine
from tests.functional.system.scratch import TREE, run

#: A reset command that tells what it could do. Each line is a deed that the sandbox forbids.
RESET = """#!/bin/sh
id -u
touch /etc/forbidden 2>&1 && echo wrote /etc
touch /usr/forbidden 2>&1 && echo wrote /usr
ls /root /home >/dev/null 2>&1 && [ -n "$(ls -A /root)" ] && echo read /root
mount -t tmpfs none /mnt 2>&1 && echo mounted
unshare --user true 2>&1 && echo made a namespace
[ "$(ls /proc | grep -c '^[0-9]')" -lt 30 ] || echo saw other processes
echo end of reset
"""


COMMON = {
    "distribution": "debian",
    "suites": ["bookworm"],
    "architectures": ["amd64"],
    "nominated_architecture": "amd64",
}


class TestSandbox(FarmTestCase):
    """Two reference builders, one of which is reset, and an archive that reprepro signs."""

    timeout = 240.0

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(0, os.geteuid(), "a systemd of our own needs root")
        root = self.make_directory()
        self.installation = root / "installation"
        self.state = root / "state"
        for directory in (self.installation, self.state):
            directory.mkdir()
        self.install()
        self.machine = Machine(root, self.installation, self.state)
        self.addCleanup(self.machine.end)

    def install(self) -> None:
        """`make install-files` for the prefix of the machine, and its configuration."""
        etc = f"{PREFIX}/etc"
        destination = self.installation.parent / "destination"
        installing = ("install-files", f"DESTDIR={destination}", f"PREFIX={PREFIX}")
        made = run("make", "-C", TREE, *installing, f"SYSCONFDIR={etc}")
        self.assertEqual(0, made.returncode, made.stdout)
        self.installation.rmdir()
        Path(f"{destination}{PREFIX}").rename(self.installation)
        reset = self.installation / "reset"
        reset.write_text(RESET)
        reset.chmod(0o755)
        files, web = free_port(), free_port()
        (self.installation / "etc/buildd-manager/manager.toml").write_text(
            f'[manager]\nstate_dir = "{STATE}"\nmin_free_bytes = 1\n'
            f'[files]\nlisten = "tcp:{files}:interface=127.0.0.1"\n'
            f'public_url = "http://127.0.0.1:{files}"\n'
            f'[web]\nlisten = "tcp:{web}:interface=127.0.0.1"\n'
            f'public_url = "http://127.0.0.1:{web}"\n'
            f'[resets]\ncommand = ["{PREFIX}/reset", "%(vm_host)s"]\n'
        )

    async def ask(self, verb: str, params: dict[str, Any], *files: Path) -> Any:
        """What the manager answers to a command."""
        request = Request(verb, params, "test", tuple(path.name for path in files))

        def asking() -> Any:
            with ExitStack() as stack:
                opened = [stack.enter_context(path.open("rb")) for path in files]
                return ask(connect(self.state / "control.sock"), request, opened, print)

        return await deferToThread(asking)

    async def build_all(self) -> None:
        """Build and publish a package on each of the two builders."""
        plain, virtual = self.useFixture(RefBuilders(self.make_directory(), 2)).builders
        place = {"distribution": "debian", "series": "bookworm", "architecture": "amd64"}
        await self.ask("chroot.set", place, make_chroot(self.make_directory() / "chroot.tar.gz"))
        common = {**COMMON, "uploader": "reprepro"}
        await self.ask("archive.add", {**common, "name": "main", "make_key": True})
        archive = {"name": "vm", "virtualized": True, "private": True, "make_key": True}
        await self.ask("archive.add", {**common, **archive})
        builder = {"processors": ["amd64"], "name": "plain", "url": plain.url}
        await self.ask("builder.add", builder)
        machine = {"virtualized": True, "vm_host": "host", "vm_reset_protocol": "1.1"}
        await self.ask("builder.add", {**builder, "name": "vm", "url": virtual.url, **machine})
        for name in ("main", "vm"):
            dsc = make_source(TREE / "demo/packages/farm-greeting", self.make_directory())
            wanted = {"archive": name, "suite": "bookworm"}
            await self.ask("submit", wanted, dsc, *files_beside(dsc))
        await self.wait_until(self.all_built, 60, self.machine.story)

    async def all_built(self) -> bool:
        """Both builds are published."""
        states = [build["state"] for build in await self.ask("build.list", {})]
        self.assertEqual(2, len(states))
        return states == ["FULLYBUILT"] * 2

    async def test_a_farm_in_it(self) -> None:
        """Everything works in the sandbox, and nothing of it can leave."""
        self.machine.start()
        socket = self.state / "control.sock"
        await self.wait_until(socket.exists, 60, self.machine.story)
        await self.build_all()
        shown = await self.ask("builder.show", {"name": "vm"})
        output = str(shown)
        self.assertIn("end of reset", output)
        for deed in ("wrote", "read /root", "mounted", "made a namespace", "saw other"):
            self.assertNotIn(deed, output.replace("cannot", ""))
        self.assert_shut_in()
        stopped = await deferToThread(self.machine.run, "systemctl", "stop", "buildd-manager")
        self.assertEqual("", stopped)
        told = await deferToThread(self.properties)
        expected = {"ActiveState": "inactive", "Result": "success", "NRestarts": "0"}
        self.assertEqual(expected, told, self.machine.story())

    def properties(self) -> dict[str, str]:
        """What systemd says of the service."""
        names = "ActiveState,Result,NRestarts"
        told = self.machine.run("systemctl", "show", f"--property={names}", "buildd-manager")
        return dict(line.split("=", 1) for line in told.split())

    def assert_shut_in(self) -> None:
        """The kernel holds the manager and all of its children to what the unit says."""
        pids = self.machine.run("pgrep", "-u", str(USER_ID)).split()
        self.assertGreaterEqual(len(pids), 3, "the manager and its two fork servers")
        for pid in pids:
            status = self.machine.run("cat", f"/proc/{pid}/status")
            for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"):
                self.assertIn(line, status)
            self.assertIsNotNone(re.search(rf"^Uid:\t{USER_ID}\t", status, re.MULTILINE))
