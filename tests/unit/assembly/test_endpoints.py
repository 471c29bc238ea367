"""Addresses of listeners as text."""

from buildfarm.assembly.endpoints import endpoint_fault, parts_of, with_backlog
from buildfarm.farmtesting.cases import FarmTestCase


class TestEndpoints(FarmTestCase):
    def test_good_addresses(self) -> None:
        """Every kind that Twisted opens and the design names."""
        for text in (
            "tcp:8085",
            "tcp:0:interface=127.0.0.1",
            "tcp:8085:interface=\\:\\:1",
            "ssl:443:privateKey=/etc/key.pem:certKey=/etc/cert.pem",
            "unix:/run/farm.sock",
            "systemd:domain=INET:index=0",
        ):
            self.assertIsNone(endpoint_fault(text), text)

    def test_backlog(self) -> None:
        """Many may knock at once, unless the address says how many or the socket is given."""
        for text in ("tcp:8085", "ssl:443:privateKey=/etc/key.pem", "unix:/run/farm.sock"):
            self.assertEqual(f"{text}:backlog=4096", with_backlog(text))
        for text in ("tcp:8085:backlog=7", "systemd:domain=INET:index=0"):
            self.assertEqual(text, with_backlog(text))

    def test_parts(self) -> None:
        """A colon in a value is written with a backslash before it."""
        self.assertEqual(
            ("ssl", ["443"], {"interface": "::1", "privateKey": "/etc/a=b:c.pem"}),
            parts_of("ssl:443:interface=\\:\\:1:privateKey=/etc/a=b\\:c.pem"),
        )

    def test_bad_addresses(self) -> None:
        """What is wrong is said."""
        for text, fault in (
            ("", "'' is no kind of address"),
            ("8085", "'8085' is no kind of address"),
            ("http:80", "'http' is no kind of address"),
            ("tcp", "the port is missing"),
            ("tcp:http", "'http' is no port (0 to 65535)"),
            ("tcp:65536", "'65536' is no port (0 to 65535)"),
            ("tcp:80:localhost", "'localhost' is not of the form key=value"),
            ("tcp:80:colour=red", "'colour' is no option of tcp"),
            ("ssl:443", "privateKey= is missing"),
            (
                "ssl:443:privateKey=key.pem",
                "privateKey= needs the whole path of a file, from / on",
            ),
            ("unix:", "a unix address names a path"),
            ("systemd:domain=INET", "index= is missing"),
        ):
            self.assertEqual(fault, endpoint_fault(text), text)
