"""The ways to a farm: over TLS, and with Debian's launchpadlib."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.authority import Authority
from tests.functional.scripts.cases import ScriptTestCase
from tests.functional.scripts.test_submit_source import TARGET
from tests.functional.webservice.test_submit import package

#: Where Debian has its Python modules, and those of them that launchpadlib 1.11 consists of.
DEBIAN = Path("/usr/lib/python3/dist-packages")
RELEASE = ("launchpadlib", "lazr", "wadllib", "httplib2", "oauthlib")


class TlsTests(ScriptTestCase):
    script = "submit-source"

    async def arrange(self) -> None:
        """Have the farm listen with a certificate of an authority that nobody knows."""
        self.authority = Authority(self.make_directory())
        key, certificate = self.authority.issue("127.0.0.1")
        listen = (
            f"ssl:{self.farm.web_port}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        )
        web = replace(self.farm.settings.web, listen=listen)
        self.farm.settings = replace(self.farm.settings, web=web)

    @property
    def root(self) -> str:
        """The address of the web service, without a version."""
        return f"https://127.0.0.1:{self.farm.web_port}/"

    async def test_certificate(self) -> None:
        """A certificate is checked, for small requests and for large ones."""
        await self.log_in("ann")
        for name, content in package().items():
            (self.home / name).write_bytes(content)
        told = await self.refusal(self.home, *TARGET)
        self.assertIn(f"The certificate of {self.root.rstrip('/')} is not to be trusted", told)
        self.environment["SSL_CERT_FILE"] = str(self.authority.certificate)
        self.assertIn("Build 1: hello 1.0", await self.told(self.home, *TARGET))
        plain = self.root.replace("https", "http").rstrip("/")
        self.assertIn("cannot be reached", await self.refusal("--farm", plain, self.home, *TARGET))


class DebianTests(ScriptTestCase):
    def modules(self) -> Path:
        """A directory with Debian's launchpadlib, and nothing else of Debian's."""
        directory = self.make_directory()
        for name in RELEASE:
            for path in DEBIAN.glob(f"{name}*"):
                (directory / path.name).symlink_to(path)
        return directory

    async def release(self) -> str:
        """Which launchpadlib the scripts import."""
        command = [sys.executable, "-c", "import launchpadlib as one; print(one.__version__)"]
        return str(await deferToThread(subprocess.check_output, command, env=self.environment))

    async def test_release(self) -> None:
        """The scripts work with launchpadlib 1.11, and streams with its credentials too."""
        modules = self.modules()
        await self.farm.add_builder(self.farm.daemon())
        await self.log_in("ann")
        others = self.environment.get("PYTHONPATH", "")
        self.environment["PYTHONPATH"] = f"{modules}:{others}".rstrip(":")
        self.assertIn("1.11", await self.release())
        self.script = "manage-builders"
        await self.told("manual", "bob", "--yes")
        self.assertTrue((await self.farm.builder()).manual)
        self.assertEqual([True], [one["manual"] for one in await self.told_json("list")])
        self.script = "submit-source"
        for name, content in package().items():
            (self.home / name).write_bytes(content)
        [build] = await self.told_json(self.home, *TARGET)
        self.assertEqual(1, build["id"])
