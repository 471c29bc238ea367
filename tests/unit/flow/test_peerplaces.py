"""Places that no peer can have all of."""

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.peerplaces import PeerPlaces


class PeerPlacesTest(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.places = PeerPlaces(4)
        self.served: list[str] = []

    def ask(self, *peers: str) -> list[Deferred[None]]:
        """Ask for a place for each of `peers`; they are noted as they are served."""
        return [
            self.places.acquire(peer).addCallback(lambda _, peer=peer: self.served.append(peer))
            for peer in peers
        ]

    def test_one_peer_leaves_places_for_others(self) -> None:
        """However often a peer asks, it has three quarters; another one is served at once."""
        self.ask(*"aaaaaaaa", "b")
        self.assertEqual(["a", "a", "a", "b"], self.served)

    def test_peers_are_served_in_turns(self) -> None:
        """Who has asked often does not stand before who came later."""
        self.ask(*"aaab", *"aaa", *"bb", "c")
        for _ in range(3):
            self.places.release("a")
        self.assertEqual([*"aaab", "a", "b", "c"], self.served)

    def test_a_place_given_back(self) -> None:
        """A peer with its share gets another place when it gives one back, and not before."""
        self.ask(*"aaaa")
        self.places.release("a")
        self.assertEqual([*"aaaa"], self.served)

    def test_a_single_place(self) -> None:
        """Of one place there are no shares: it is for whoever comes."""
        self.places = PeerPlaces(1)
        self.ask("a", "b")
        self.assertEqual(["a"], self.served)
        self.places.release("a")
        self.assertEqual(["a", "b"], self.served)

    def test_leaving_the_line(self) -> None:
        """Who cancels is not served, and takes no place."""
        *_, fourth = self.ask(*"aaaa")
        fourth.cancel()
        self.assertIsInstance(self.failureResultOf(fourth).value, CancelledError)
        self.places.release("a")
        self.ask("a", "b")
        self.assertEqual([*"aaaab"], self.served)

    def test_work_that_ends_at_once(self) -> None:
        """A long line of it is worked off, however deep its calls would be in each other."""
        self.ask(*"aaa")
        ended = [self.places.acquire("a") for _ in range(5000)]
        for one in ended:
            one.addCallback(lambda _: self.places.release("a"))
        self.places.release("a")
        self.assertTrue(all(one.called for one in ended))
