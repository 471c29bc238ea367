"""What goes wrong between a script and its farm, in sentences."""

import socket
import ssl
from http.client import BadStatusLine
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import httplib2
from lazr.restfulclient.errors import HTTPError

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.client import credentials_in, reaching, said
from buildfarm.vocab.errors import FarmUnreachable, Refused

URL = "https://farm.example"


class ReachingTests(FarmTestCase):
    def sentence(self, error: Exception) -> str:
        """What becomes of an error on the way to the farm."""

        def failing() -> None:
            with reaching(URL):
                raise error

        return str(self.assertRaises(FarmUnreachable, failing))

    def test_certificate(self) -> None:
        """A certificate that is not trusted is told as that, with what can be done."""
        error = ssl.SSLCertVerificationError("certificate verify failed")
        error.verify_message = "self-signed certificate"
        for one in (error, URLError(error)):
            told = self.sentence(one)
            self.assertIn(f"The certificate of {URL} is not to be trusted: self-signed", told)
            self.assertIn("SSL_CERT_FILE", told)

    def test_no_tls(self) -> None:
        """Something else than TLS at its address."""
        error = ssl.SSLError(1, "[SSL] wrong version number")
        self.assertIn("does not speak TLS", self.sentence(error))

    def test_unreachable(self) -> None:
        """Nobody there, no such host, no answer in time, nonsense: the farm is named, and why."""
        for error, why in (
            (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
            (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
            (httplib2.ServerNotFoundError("Unable to find the server"), "Unable to find"),
            (TimeoutError("timed out"), "not answered within"),
            (URLError(ConnectionResetError(104, "Connection reset")), "Connection reset"),
            (BadStatusLine("\x1b[2Jno HTTP"), "\\x1b[2Jno HTTP"),
        ):
            told = self.sentence(error)
            self.assertIn(URL, told)
            self.assertIn(why, told)

    def test_others(self) -> None:
        """What is no trouble on the way is left as it is."""

        def failing() -> None:
            with reaching(URL):
                raise KeyError("name")

        self.assertRaises(KeyError, failing)


class SaidTests(FarmTestCase):
    def said(self, content: bytes) -> str:
        """The sentence for a refusal with this body."""
        return said(HTTPError(SimpleNamespace(status=400), content))

    def test_words(self) -> None:
        """The farm's own words, on one line and made safe."""
        self.assertEqual("No builder \\x1b[2J.", self.said(b"No builder\n \x1b[2J."))

    def test_no_words(self) -> None:
        """A refusal without words has its status."""
        self.assertEqual("The farm has answered 400 without a word.", self.said(b""))


class CredentialsTests(FarmTestCase):
    def test_unusable(self) -> None:
        """Files that are not there or hold something else are refused by name."""
        directory = self.make_directory()
        missing, other = directory / "missing", directory / "other"
        for content in (b"no section", b"[2]\na = b\n", b"\xff\xfe"):
            other.write_bytes(content)
            self.assertIn(str(other), str(self.assertRaises(Refused, credentials_in, other)))
        self.assertIn("No such file", str(self.assertRaises(Refused, credentials_in, missing)))
        self.assertRaises(Refused, credentials_in, Path("/"))

    def test_good(self) -> None:
        """What `token create --credentials-file` has written is read."""
        path = self.make_directory() / "good"
        path.write_text(
            "[1]\nconsumer_key = a\nconsumer_secret =\naccess_token = b\naccess_secret = c\n"
        )
        self.assertEqual("b", credentials_in(path).access_token.key)
