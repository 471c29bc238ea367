"""An upload is killed inside reprepro: its archive is whole, and people get every package."""

import hashlib
import os
import signal
from collections.abc import Callable
from urllib.request import urlopen

from debian.deb822 import Deb822
from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.haltedreprepro import HaltedReprepro, Point
from buildfarm.farmtesting.ports import free_port
from buildfarm.vocab.states import UploaderKind
from tests.functional.faults.cases import FaultTestCase


class RepreproKillTests(FaultTestCase):
    async def test_while_it_includes(self) -> None:
        """The file is being taken into the pool."""
        await self.kill_at(Point.INCLUDE)

    async def test_when_it_has_committed(self) -> None:
        """Its database has the package, the indexes have not."""
        await self.kill_at(Point.COMMIT)

    async def test_while_it_exports(self) -> None:
        """Some of the indexes are new, some are not."""
        await self.kill_at(Point.EXPORT)

    async def kill_at(self, point: Point) -> None:
        """Kill reprepro, the upload's child, the manager: each time the upload ends well."""
        self.address = f"127.0.0.1:{free_port()}"
        host, _, port = self.address.partition(":")
        self.configure(web={"listen": f"tcp:{port}:interface={host}"})
        self.reprepro = HaltedReprepro(self.farm.root / "halts")
        self.addCleanup(self.reprepro.release)
        await self.farm.add_builders(1, seconds=0.1)
        self.start()
        await self.upload_and_kill(point, "reprepro", lambda pid: os.kill(pid, signal.SIGKILL))
        await self.upload_and_kill(
            point, "child", lambda pid: os.kill(os.getpgid(pid), signal.SIGKILL)
        )
        manager = self.farm.manager
        assert manager is not None
        await self.upload_and_kill(point, "manager", lambda pid: manager.send(signal.SIGKILL))
        self.start()
        await self.farm.wait_until_all_built()
        await deferToThread(self.assert_downloads)
        await self.finish()

    def start(self) -> None:
        """Start a manager whose uploads run our reprepro."""
        self.farm.start_manager(env=self.reprepro.environment)

    async def upload_and_kill(self, point: Point, name: str, kill: Callable[[int], object]) -> None:
        """Have an upload halt at `point`, kill somebody there, and let the rest go on."""
        await self.submit(1, UploaderKind.REPREPRO, prefix=name)
        self.reprepro.arm(point)
        pid = await self.wait_until(self.reprepro.halted, what=self.farm.story)
        assert pid is not None, "wait_until returns what is true"
        kill(pid)
        self.reprepro.release()
        if name != "manager":
            await self.farm.wait_until_all_built()

    def assert_downloads(self) -> None:
        """Over HTTP each package that was built is what the index says, and what was built."""
        built = set()
        for files in self.farm.made.values():
            built |= {_sha256(data) for name, data in files.items() if name.endswith(".deb")}
        fetched = set()
        for archive in ("apt", "apt-virtual"):
            base = f"http://{self.address}/archive/{archive}"
            with urlopen(f"{base}/dists/bookworm/main/binary-amd64/Packages") as index:
                stanzas = list(Deb822.iter_paragraphs(index.read().decode()))
            for stanza in stanzas:
                with urlopen(f"{base}/{stanza['Filename']}") as package:
                    digest = _sha256(package.read())
                self.assertEqual(stanza["SHA256"], digest)
                fetched.add(digest)
        self.assertEqual(built, fetched)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
