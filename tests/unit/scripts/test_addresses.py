"""Where farms and credentials for them are."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.addresses import farm_url, own_credentials
from buildfarm.vocab.errors import Refused


class AddressTests(FarmTestCase):
    def test_normal(self) -> None:
        """Scheme and host are what counts; what people copy besides is left out."""
        for text in ("http://farm:8085", "http://farm:8085/", " http://farm:8085/devel/ "):
            self.assertEqual("http://farm:8085", farm_url(text))
        self.assertEqual("https://[::1]:8443", farm_url("https://[::1]:8443/1.0"))

    def test_nonsense(self) -> None:
        """Other schemes, no host, a port that is none, and what lies below a farm are refused."""
        for text in (
            "",
            "farm:8085",
            "ftp://farm",
            "http://",
            "http://farm:x",
            "http://farm/builders",
            "http://farm/?a=b",
        ):
            self.assertRaises(Refused, farm_url, text)

    def test_no_secret(self) -> None:
        """A password in the address is refused, and not repeated."""
        error = self.assertRaises(Refused, farm_url, "http://ann:hunter2@farm/")
        self.assertNotIn("hunter2", str(error))

    def test_a_file_for_each_farm(self) -> None:
        """Credentials are looked for by host and port, where the desktop keeps such files."""
        self.assertEqual(
            Path("/cfg/buildd-manager/farm:8085.credentials"),
            own_credentials("http://farm:8085", {"XDG_CONFIG_HOME": "/cfg"}),
        )
        self.assertEqual(
            Path.home() / ".config/buildd-manager/farm.credentials",
            own_credentials("https://farm", {"XDG_CONFIG_HOME": "relative"}),
        )
