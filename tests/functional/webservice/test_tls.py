"""The web service over TLS, by an endpoint string alone."""

from dataclasses import replace
from pathlib import Path

from testtools.matchers import Contains

from buildfarm.farmtesting.authority import Authority
from buildfarm.vocab.errors import Refused
from tests.functional.webservice.cases import RELEASES, SCRIPT, WebServiceTestCase


class TlsTests(WebServiceTestCase):
    async def arrange(self) -> None:
        """Have the farm listen with a certificate for 127.0.0.1."""
        self.directory = self.make_directory()
        self.authority = Authority(self.directory)
        self.key, self.certificate = self.authority.issue("127.0.0.1")
        self.listen_with(self.key, self.certificate)

    def listen_with(self, key: Path, certificate: Path) -> None:
        """Have the farm listen with these, from its next start on."""
        port = self.farm.web_port
        listen = f"ssl:{port}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        web = replace(self.farm.settings.web, listen=listen)
        self.farm.settings = replace(self.farm.settings, web=web)

    @property
    def root(self) -> str:
        """The address of the web service, without a version."""
        return f"https://127.0.0.1:{self.farm.web_port}/"

    async def test_clients_that_trust_its_authority(self) -> None:
        """Both releases of launchpadlib log in, follow links, and check the certificate."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        credentials = await self.credentials("ann")
        trusted = {"FARM_CA": str(self.authority.certificate)}
        for release in RELEASES:
            names = await self.script(release, "naming", self.root, credentials, **trusted)
            self.assertEqual(["ann"], names)
            found = await self.script(release, "reading", self.root, "-", **trusted)
            self.assertEqual(["alpha", "amd64", True, None], found["alpha"])
            cache = str(self.make_directory())
            command = (RELEASES[release], str(SCRIPT), "naming", self.root, cache, credentials)
            refused = await self.run_command(*command)
            self.assertEqual(1, refused.exit_code)
            self.assertThat(refused.output, Contains("CERTIFICATE_VERIFY_FAILED"))

    async def test_login_with(self) -> None:
        """The way to a token is encrypted and checked, too, by client and browser."""
        trusted = {
            name: str(self.authority.certificate)
            for name in ("FARM_CA", "HTTPLIB2_CA_CERTS", "SSL_CERT_FILE")
        }
        for release in RELEASES:
            kept = str(self.make_directory() / "credentials")
            env = {**trusted, **await self.browser("ann", "allow")}
            names = await self.script(release, "login_with", self.root, kept, **env)
            self.assertEqual(["ann", "ann"], names, release)

    async def test_files_that_cannot_be_used(self) -> None:
        """A manager whose key is missing, or another's, says so in a sentence, and ends."""
        await self.farm.stop()
        gone = self.directory / "gone.key"
        other, _ = self.authority.issue("other.example")
        for key, reason in (
            (gone, f"the private key {gone} (privateKey=) cannot be read: No such file"),
            (other, f"{other} and {self.certificate} are no private key with its certificate"),
        ):
            self.listen_with(key, self.certificate)
            with self.assertRaisesRegex(Refused, "Nothing can listen at ssl:.*") as raised:
                await self.farm.start()
            self.assertThat(str(raised.exception), Contains(reason))
            await self.farm.stop()
