"""The reset commands for common kinds of virtual machines, with stand-ins for their tools."""

import os
import subprocess
from pathlib import Path

from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.children import run_command
from buildfarm.flow.lockfiles import holder, try_hold

SCRIPTS = Path(__file__).parents[3] / "scripts"

_NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >>"$CALLS"\n'


class TestResetCommands(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.calls = self.directory / "calls"

    def stand_in(self, name: str, rest: str = "") -> None:
        """A tool that notes how it was called, and then does `rest`."""
        tool = self.directory / name
        tool.write_text(_NOTE + rest)
        tool.chmod(0o755)

    async def reset(self, kind: str) -> tuple[int, list[str]]:
        """The status of this reset command, and what it called."""
        environment = {
            "PATH": f"{self.directory}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
        }
        ended = await deferToThread(
            subprocess.run,
            [SCRIPTS / f"reset-builder-{kind}", "host1", "vm1"],
            env=environment,
            capture_output=True,
            timeout=30,
            check=False,
        )
        return ended.returncode, self.calls.read_text().splitlines()

    async def test_libvirt(self) -> None:
        """The machine is taken back to its snapshot, then its daemon is waited for."""
        self.stand_in("virsh")
        self.stand_in("curl", '[ "$(grep -c curl "$CALLS")" -ge 2 ]')
        status, calls = await self.reset("libvirt")
        revert = (
            "virsh --connect qemu+ssh://host1/system snapshot-revert --running --force vm1 clean"
        )
        asking = "curl --silent --output /dev/null --max-time 5 http://vm1:8221/"
        self.assertEqual((0, [revert, asking, asking]), (status, calls))

    async def test_libvirt_fails(self) -> None:
        """A machine that cannot be taken back is a failed reset, and nothing is waited for."""
        self.stand_in("virsh", "exit 1")
        self.stand_in("curl")
        status, calls = await self.reset("libvirt")
        self.assertEqual((1, 1), (status, len(calls)))

    async def test_incus(self) -> None:
        """The instance is stopped, taken back and started; one that is stopped already too."""
        self.stand_in("incus", '[ "$1" != stop ]')
        self.stand_in("curl")
        status, calls = await self.reset("incus")
        self.assertEqual(
            (
                0,
                [
                    "incus stop --force host1:vm1",
                    "incus snapshot restore host1:vm1 clean",
                    "incus start host1:vm1",
                    "curl --silent --output /dev/null --max-time 5 http://vm1:8221/",
                ],
            ),
            (status, calls),
        )

    async def test_openstack(self) -> None:
        """The rebuild is asked for, and not waited for."""
        self.stand_in("openstack", "echo ACTIVE")
        self.stand_in("curl")
        self.stand_in("buildd-manager")
        status, calls = await self.reset("openstack")
        self.assertEqual((0, "openstack --os-cloud host1 server rebuild vm1"), (status, calls[0]))
        await self.wait_until(lambda: "buildd-manager" in self.calls.read_text())

    async def test_openstack_reports(self) -> None:
        """The end is reported when the daemon answers; the lock of the reset is free by then."""
        answers = self.directory / "answers"
        self.stand_in("openstack", "echo ACTIVE")
        self.stand_in("curl", f'while [ ! -e "{answers}" ]; do sleep 0.02; done')
        self.stand_in("buildd-manager")
        lock = try_hold(self.directory / "lock")
        assert lock is not None
        result = await run_command(
            self.reactor,
            [str(SCRIPTS / "reset-builder-openstack"), "host1", "vm1"],
            deadline=30.0,
            max_output=1000,
            lock=lock,
            env={"PATH": f"{self.directory}:{os.environ['PATH']}", "CALLS": str(self.calls)},
        )
        self.assertTrue(result.succeeded, result)
        await self.wait_until(lambda: "curl" in self.calls.read_text())
        self.assertIsNone(holder(self.directory / "lock"))
        self.assertNotIn("buildd-manager", self.calls.read_text())
        answers.touch()
        reported = "buildd-manager builder set vm1 --clean-status CLEAN"
        await self.wait_until(lambda: reported in self.calls.read_text())

    async def test_openstack_fails(self) -> None:
        """A rebuild that is refused is a failed reset, and nothing is reported."""
        self.stand_in("openstack", "exit 1")
        status, calls = await self.reset("openstack")
        self.assertEqual((1, 1), (status, len(calls)))
