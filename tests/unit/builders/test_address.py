"""Builders' URLs."""

from testtools import ExpectedException
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint

from buildfarm.builders.address import BuilderAddress
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused


class TestBuilderAddress(FarmTestCase):
    """Where a builder listens."""

    def test_host_port_and_prefix_are_taken_apart(self) -> None:
        """A trailing slash says nothing; without a port it is HTTP's."""
        for url, host, port, prefix in [
            ("http://bob.example.com:8221", "bob.example.com", 8221, ""),
            ("http://bob.example.com:8221/", "bob.example.com", 8221, ""),
            ("http://bob/builders/bob/", "bob", 80, "/builders/bob"),
            ("http://127.1.2.3:8221", "127.1.2.3", 8221, ""),
            ("http://[fd00::1]:8221", "fd00::1", 8221, ""),
        ]:
            address = BuilderAddress.parse(url)
            self.assertEqual((host, port, prefix), (address.host, address.port, address.prefix))

    def test_the_host_header_has_brackets_where_they_belong(self) -> None:
        """Around IPv6 addresses only."""
        self.assertEqual("[fd00::1]:8221", BuilderAddress.parse("http://[fd00::1]:8221").netloc)
        self.assertEqual("bob:80", BuilderAddress.parse("http://bob").netloc)

    def test_the_buildd_name_is_the_first_label_of_the_host(self) -> None:
        """An address has no labels and is its own name."""
        self.assertEqual("bob", BuilderAddress.parse("http://bob.example.com:8221").buildd_name)
        self.assertEqual("127.1.2.3", BuilderAddress.parse("http://127.1.2.3:8221").buildd_name)

    def test_an_address_is_connected_to_without_a_look_up(self) -> None:
        """Only names are looked up."""
        for url, kind in [
            ("http://127.1.2.3:8221", TCP4ClientEndpoint),
            ("http://[fd00::1]:8221", TCP6ClientEndpoint),
        ]:
            self.assertIsInstance(BuilderAddress.parse(url).endpoint(self.reactor, 1.0), kind)

    def test_what_no_builder_can_be_at_is_refused_in_a_sentence(self) -> None:
        """Other schemes, credentials, queries, and what would end up in headers."""
        for url in (
            "",
            "bob",
            "https://bob:8221",
            "ftp://bob",
            "http://",
            "http://:8221",
            "http://user:secret@bob:8221",
            "http://bob:8221/?a=b",
            "http://bob:8221/#x",
            "http://bob:99999",
            "http://bob:0",
            "http://bob:x",
            "http://[fd00::1",
            "http://-bob",
            "http://bo b:8221",
            "http://bob:8221/a b",
            "http://bob:8221/a\r\nX: y",
            "http://bob\r\nX-Evil: y",
            "http://bob:8221/../x%2f",
        ):
            with ExpectedException(Refused):
                BuilderAddress.parse(url)
