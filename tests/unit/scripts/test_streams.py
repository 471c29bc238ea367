"""The way that large things take to a farm."""

from http.client import HTTPSConnection
from typing import Any

import fixtures

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts import streams


class WayTests(FarmTestCase):
    def way(self, url: str, **environment: str) -> tuple[Any, str]:
        """The connection for `url`, and what is asked on it."""
        for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
            for spelled in (name, name.upper()):
                value = environment.get(name) if spelled == name else None
                self.useFixture(fixtures.EnvironmentVariable(spelled, value))
        return streams._connection(url)

    def test_direct(self) -> None:
        """Without a proxy the farm itself is asked for the path."""
        connection, target = self.way("http://farm:8085/builds/1/log?a=b")
        self.assertEqual(("farm", 8085), (connection.host, connection.port))
        self.assertEqual("/builds/1/log?a=b", target)

    def test_proxy(self) -> None:
        """A proxy of the environment's is asked for the whole address."""
        connection, target = self.way("http://farm/builds/1/log", http_proxy="http://proxy:3128")
        self.assertEqual(("proxy", 3128), (connection.host, connection.port))
        self.assertEqual("http://farm/builds/1/log", target)

    def test_not_by_proxy(self) -> None:
        """Hosts that the environment excepts are asked themselves."""
        given = {"http_proxy": "http://proxy:3128", "no_proxy": "farm"}
        connection, target = self.way("http://farm/builds/1/log", **given)
        self.assertEqual(("farm", "/builds/1/log"), (connection.host, target))

    def test_tunnel(self) -> None:
        """What is encrypted goes through a tunnel, of which the proxy sees only where it leads."""
        connection, target = self.way("https://farm/x", https_proxy="http://proxy:3128")
        self.assertIsInstance(connection, HTTPSConnection)
        self.assertEqual(("proxy", 3128, "/x"), (connection.host, connection.port, target))
        self.assertEqual("farm", connection._tunnel_host)
