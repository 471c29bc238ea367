"""Which peers are reverse proxies of ours."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.identity.proxies import Proxies, proxy_fault


class ProxyTests(FarmTestCase):
    def test_addresses_and_networks(self) -> None:
        """Those that were named, also where the listener tells IPv4 as IPv6; nobody else."""
        proxies = Proxies(("192.0.2.80", "10.0.0.0/8", "2001:db8::/32", "::1"))
        for peer in ("192.0.2.80", "10.255.0.1", "::ffff:10.1.2.3", "2001:db8::7", "::1"):
            self.assertIn(peer, proxies)
        for peer in ("192.0.2.81", "11.0.0.1", "::ffff:11.0.0.1", "2001:db9::", "::2", ""):
            self.assertNotIn(peer, proxies)

    def test_sockets_of_this_machine(self) -> None:
        """They have no address; `unix` stands for them, and for nothing else."""
        self.assertIn("", Proxies(("unix",)))
        self.assertNotIn("127.0.0.1", Proxies(("unix",)))

    @given(st.text())
    def test_whatever_a_peer_is_called(self, peer: str) -> None:
        """Without proxies nobody is one, and what is no address is none."""
        self.assertNotIn(peer, Proxies(()))
        self.assertFalse(peer in Proxies(("10.0.0.0/8",)) and not peer.startswith(("10.", "::")))

    def test_faults(self) -> None:
        """What cannot be one is said, and so is what would believe everybody."""
        for named in ("192.0.2.80", "10.0.0.0/8", "::1", "fd00::/8", "unix"):
            self.assertIsNone(proxy_fault(named))
        for named in ("", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "UNIX"):
            self.assertEqual(
                "is neither an address, nor a network such as 10.0.0.0/8, nor unix",
                proxy_fault(named),
            )
        for named in ("0.0.0.0/0", "::/0"):
            self.assertEqual("would have everybody's headers believed", proxy_fault(named))
