"""Connections in memory: in order, late, in pieces; cut, reset, or with nobody at the other end."""

from typing import Any

from twisted.internet.protocol import ClientFactory, Protocol

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.simulation.network import Connecting, Link, Network
from buildfarm.simulation.world import World


class Talker(Protocol):
    """Keeps what it hears, and whether it was told of the end."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = True

    def say(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class NetworkTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(1)
        self.link = Link(self.world, "bob")
        self.network = Network(self.world)
        self.server: Talker | None = Talker()
        self.network.listen("10.0.0.2", 80, self.link, lambda: self.server)
        self.client = Talker()
        self.refused = False

    def connect(self) -> None:
        factory: Any = ClientFactory()
        factory.noisy = False
        factory.buildProtocol = lambda address: self.client

        def failed(connector: object, reason: object) -> None:
            self.refused = True

        factory.clientConnectionFailed = failed
        self.network.connect("10.0.0.2", 80, Connecting(factory, lambda: True))
        self.pass_time()

    def pass_time(self, seconds: float = 1.0) -> None:
        self.world.run(self.world.seconds() + seconds)

    def test_what_is_written_arrives_in_order(self) -> None:
        """All of it, perhaps in other pieces."""
        self.connect()
        words = [b"word %d," % number for number in range(200)]
        for word in words:
            self.client.say(word)
        self.assertEqual([], self.server.heard)
        self.pass_time()
        self.assertEqual(b"".join(words), b"".join(self.server.heard))
        self.assertGreater(len(self.server.heard), len(words))

    def test_a_machine_can_refuse(self) -> None:
        """Whoever connects is told."""
        self.server = None
        self.connect()
        self.assertTrue(self.refused)

    def test_a_cut_holds_what_is_under_way(self) -> None:
        """It arrives when the cut is healed; nobody is told of anything before."""
        self.connect()
        self.link.cut = True
        self.client.say(b"hello")
        self.pass_time(100.0)
        self.assertEqual(([], False), (self.server.heard, self.client.lost))
        self.link.heal()
        self.assertEqual(b"hello", b"".join(self.server.heard))

    def test_both_ends_are_told_of_the_end(self) -> None:
        """After what was written before."""
        self.connect()
        self.server.say(b"bye")
        self.server.transport.loseConnection()
        self.pass_time()
        self.assertEqual((b"bye", True), (b"".join(self.client.heard), self.client.lost))

    def test_a_machine_that_lost_power_tells_nobody(self) -> None:
        """Until somebody writes to it."""
        self.connect()
        self.link.lose_power()
        self.pass_time(100.0)
        self.assertFalse(self.client.lost)
        self.client.say(b"are you there?")
        self.pass_time()
        self.assertTrue(self.client.lost)
